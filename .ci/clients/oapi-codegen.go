package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"greet.test/client/api"
)

func main() {
	asJSON := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Accept", "application/json")
		return nil
	}
	client, err := api.NewClientWithResponses(os.Args[1], api.WithRequestEditorFn(asJSON))
	if err != nil {
		panic(err)
	}

	good, err := client.GreetWithResponse(context.Background(), &api.GreetParams{Name: "Alice"})
	if err != nil {
		panic(err)
	}
	fmt.Println(good.JSON200.Message)
	bad, err := client.GreetWithResponse(context.Background(), &api.GreetParams{Name: ""})
	if err != nil {
		panic(err)
	}
	fmt.Println(bad.ApplicationproblemJSON400.Detail)
}
