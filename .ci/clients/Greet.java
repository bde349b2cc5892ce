import com.fasterxml.jackson.databind.ObjectMapper;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.GreetingApi;
import org.openapitools.client.model.Problem;

class Greet {
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    GreetingApi api = new GreetingApi(client);

    System.out.println("Greeting: " + api.greet("Alice").getMessage());
    // A header given to `greet` would be added to the client's own: this one replaces it.
    client.setRequestInterceptor(request -> request.setHeader("Accept", "application/json"));
    System.out.println(new GreetingApi(client).greet("Alice").getMessage());
    try {
      api.greet("");
    } catch (ApiException error) {
      System.out.println(new ObjectMapper().readValue(error.getResponseBody(), Problem.class).getDetail());
    }
  }
}
