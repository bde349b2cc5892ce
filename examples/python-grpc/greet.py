"""Greets over gRPC, with code that is generated from the plain proto: greet.py ADDRESS NAME"""

import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from greet_pb2 import GreetingRequest
from greet_pb2_grpc import GreetServiceStub

address, name = sys.argv[1:]
with grpc.insecure_channel(address) as channel:
    client = GreetServiceStub(channel)
    print(client.Greet(GreetingRequest(message=name), timeout=5).message)

    # A name that is not valid: the details of the status list each error.
    try:
        client.Greet(GreetingRequest(), timeout=5)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}")
        for detail in rpc_status.from_call(error).details:
            request = error_details_pb2.BadRequest()
            detail.Unpack(request)
            for violation in request.field_violations:
                print(f"  {violation.field} {violation.description}")
