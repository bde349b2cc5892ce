import com.fasterxml.jackson.databind.ObjectMapper;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.GreetingApi;
import org.openapitools.client.model.Greeting;
import org.openapitools.client.model.Problem;

class Greet {
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    GreetingApi api = new GreetingApi(client);

    Greeting greeting = api.greet("Alice");
    System.out.println(greeting.getMessage());
    try {
      api.greet("");
    } catch (ApiException error) {
      Problem problem = new ObjectMapper().readValue(error.getResponseBody(), Problem.class);
      System.out.println(problem.getDetail());
    }
  }
}
