// A gRPC client in Go: calls greet as clients of the Go service that greet replaces do, and prints the results as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"greet.test/peer/greet"
)

type answer struct {
	Greeting   string   `json:"greeting,omitempty"`
	Code       string   `json:"code,omitempty"`
	Details    string   `json:"details,omitempty"`
	Violations []string `json:"violations,omitempty"`
}

func main() {
	conn, err := grpc.NewClient(os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch os.Args[1] {
	case "greet":
		reply, err := greet.NewGreetServiceClient(conn).Greet(ctx, &greet.GreetingRequest{Message: os.Args[3]})
		check(err)
		fmt.Println("Greeting:", reply.GetMessage())
	case "cases":
		printJSON(greetAll(ctx, greet.NewGreetServiceClient(conn)))
	case "reflect":
		printJSON(reflect(ctx, conn))
	case "watch":
		watch(ctx, conn)
	}
}

// greetAll greets each name of a JSON array from standard input.
func greetAll(ctx context.Context, client greet.GreetServiceClient) []answer {
	var names []string
	check(json.NewDecoder(os.Stdin).Decode(&names))
	answers := make([]answer, 0, len(names))
	for _, name := range names {
		reply, err := client.Greet(ctx, &greet.GreetingRequest{Message: name})
		answers = append(answers, describe(reply.GetMessage(), err))
	}
	return answers
}

func describe(greeting string, err error) answer {
	if err == nil {
		return answer{Greeting: greeting}
	}
	failure := status.Convert(err)
	result := answer{Code: failure.Code().String(), Details: failure.Message()}
	for _, detail := range failure.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.GetFieldViolations() {
				result.Violations = append(result.Violations, violation.GetField()+" "+violation.GetDescription())
			}
		}
	}
	return result
}

// reflect lists the services, calls Greet with only the descriptors from the server, and asks for health.
func reflect(ctx context.Context, conn *grpc.ClientConn) map[string]any {
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	check(err)
	ask := func(request *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
		check(stream.Send(request))
		response, err := stream.Recv()
		check(err)
		return response
	}
	services := []string{}
	list := ask(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	for _, service := range list.GetListServicesResponse().GetService() {
		services = append(services, service.GetName())
	}
	symbol := &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "greet.GreetService"}
	found := ask(&reflectionpb.ServerReflectionRequest{MessageRequest: symbol})
	var file descriptorpb.FileDescriptorProto
	check(proto.Unmarshal(found.GetFileDescriptorResponse().GetFileDescriptorProto()[0], &file))
	described, err := protodesc.NewFile(&file, nil)
	check(err)
	method := described.Services().ByName("GreetService").Methods().ByName("Greet")
	request := dynamicpb.NewMessage(method.Input())
	request.Set(method.Input().Fields().ByName("message"), protoreflect.ValueOfString("reflection"))
	reply := dynamicpb.NewMessage(method.Output())
	check(conn.Invoke(ctx, "/greet.GreetService/Greet", request, reply))
	check(stream.CloseSend())

	states := map[string]string{}
	for _, name := range []string{"", "greet.GreetService", "nope"} {
		response, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: name})
		if err != nil {
			states[name] = status.Code(err).String()
		} else {
			states[name] = response.GetStatus().String()
		}
	}
	return map[string]any{
		"services": services,
		"greeting": reply.Get(method.Output().Fields().ByName("message")).String(),
		"health":   states,
	}
}

// watch prints every health status as it arrives, and how the stream ended.
func watch(ctx context.Context, conn *grpc.ClientConn) {
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	check(err)
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			fmt.Println("EOF")
			return
		}
		if err != nil {
			fmt.Println(status.Code(err))
			return
		}
		fmt.Println(response.GetStatus())
	}
}

func printJSON(value any) {
	check(json.NewEncoder(os.Stdout).Encode(value))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
