import sys
from json import JSONDecodeError

from greet_client import Client
from greet_client.api.greeting import greet
from greet_client.models import Greeting, Problem

plain = Client(base_url=sys.argv[1])
client = plain.with_headers({"Accept": "application/json"})

try:
    print(greet.sync(client=plain, name="Alice"))
except JSONDecodeError as error:
    print(type(error).__name__)
greeting = greet.sync(client=client, name="Alice")
assert isinstance(greeting, Greeting)
print(greeting.message)
problem = greet.sync(client=client, name="")
assert isinstance(problem, Problem)
print(problem.detail)
