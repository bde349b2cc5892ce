import sys

from greet_client import Client
from greet_client.api.greeting import greet
from greet_client.models import Greeting, Problem

client = Client(base_url=sys.argv[1], headers={"Accept": "application/json"})

greeting = greet.sync(client=client, name="Alice")
assert isinstance(greeting, Greeting)
print(greeting.message)
problem = greet.sync(client=client, name="")
assert isinstance(problem, Problem)
print(problem.detail)
