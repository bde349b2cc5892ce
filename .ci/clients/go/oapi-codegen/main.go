package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"greet.test/clients/oapi-codegen/api"
)

func acceptJSON(_ context.Context, request *http.Request) error {
	request.Header.Set("Accept", "application/json")
	return nil
}

func main() {
	client, err := api.NewClientWithResponses(os.Args[1])
	if err != nil {
		panic(err)
	}
	greet := func(name string, editors ...api.RequestEditorFn) *api.GreetResponse {
		response, err := client.GreetWithResponse(context.Background(), &api.GreetParams{Name: name}, editors...)
		if err != nil {
			panic(err)
		}
		return response
	}

	plain := greet("Alice")
	if plain.JSON200 != nil {
		panic("text was decoded")
	}
	fmt.Printf("text in Body: %s\n", plain.Body)
	fmt.Println(greet("Alice", acceptJSON).JSON200.Message)
	fmt.Println(greet("").ApplicationproblemJSON400.Detail)
}
