// Greets over gRPC, with code that is generated from the plain proto: go run . ADDRESS NAME
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"greet.example/go/build/greet"
)

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	client := greet.NewGreetServiceClient(connection)
	response, err := client.Greet(ctx, &greet.GreetingRequest{Message: os.Args[2]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.GetMessage())

	// A name that is not valid: the details of the status list each error.
	_, err = client.Greet(ctx, &greet.GreetingRequest{})
	refused := status.Convert(err)
	fmt.Printf("%s: %s\n", refused.Code(), refused.Message())
	for _, detail := range refused.Details() {
		for _, violation := range detail.(*errdetails.BadRequest).GetFieldViolations() {
			fmt.Printf("  %s %s\n", violation.GetField(), violation.GetDescription())
		}
	}
}
