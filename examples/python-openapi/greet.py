"""Greets over HTTP, with a client that is generated from the OpenAPI document: greet.py URL NAME"""

import sys

from greet_client import Client
from greet_client.api.greeting import greet
from greet_client.models import Greeting, Problem

url, name = sys.argv[1:]
# Without this header the response is text.
client = Client(base_url=url, headers={"Accept": "application/json"})

greeting = greet.sync(client=client, name=name)
assert isinstance(greeting, Greeting)
print(greeting.message)

# A name that is not valid.
problem = greet.sync(client=client, name="")
assert isinstance(problem, Problem)
print(f"{problem.status}: {problem.detail}")
