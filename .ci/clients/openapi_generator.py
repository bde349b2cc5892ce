import sys

from openapi_client import ApiClient, Configuration, Greeting, GreetingApi
from openapi_client.exceptions import BadRequestException

api = GreetingApi(ApiClient(Configuration(host=sys.argv[1])))

plain: Greeting = api.greet(name="Alice")
print(f"Greeting: {plain.message}")
print(api.greet(name="Alice", _headers={"Accept": "application/json"}).message)
try:
    api.greet(name="")
except BadRequestException as error:
    print(error.data.detail)
