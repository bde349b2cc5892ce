package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"greet.test/clients/ogen/api"
)

type acceptJSON struct{}

func (acceptJSON) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Accept", "application/json")
	return http.DefaultTransport.RoundTrip(request)
}

func greet(name string, options ...api.ClientOption) api.GreetRes {
	client, err := api.NewClient(os.Args[1], options...)
	if err != nil {
		panic(err)
	}
	response, err := client.Greet(context.Background(), api.GreetParams{Name: name})
	if err != nil {
		panic(err)
	}
	return response
}

func main() {
	text, err := io.ReadAll(greet("Alice").(*api.GreetOKTextPlainHeaders).Response)
	if err != nil {
		panic(err)
	}
	fmt.Printf("text in GreetOKTextPlainHeaders: %s\n", text)
	json := greet("Alice", api.WithClient(&http.Client{Transport: acceptJSON{}}))
	fmt.Println(json.(*api.GreetingHeaders).Response.Message)
	fmt.Println(greet("").(*api.BadRequestHeaders).Response.Detail)
}
