package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"greet.test/client/api"
)

type asJSON struct{}

func (asJSON) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Accept", "application/json")
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	client, err := api.NewClient(os.Args[1], api.WithClient(&http.Client{Transport: asJSON{}}))
	if err != nil {
		panic(err)
	}

	good, err := client.Greet(context.Background(), api.GreetParams{Name: "Alice"})
	if err != nil {
		panic(err)
	}
	fmt.Println(good.(*api.GreetingHeaders).Response.Message)
	bad, err := client.Greet(context.Background(), api.GreetParams{Name: ""})
	if err != nil {
		panic(err)
	}
	fmt.Println(bad.(*api.BadRequestHeaders).Response.Detail)
}
