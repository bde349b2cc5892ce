"""A gRPC client in Python: calls greet with descriptors from reflection, and prints the results as JSON."""

import json
import sys

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status


def greet(channel, pool, name):
    method = pool.FindServiceByName("greet.GreetService").FindMethodByName("Greet")
    request = message_factory.GetMessageClass(method.input_type)
    response = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        "/greet.GreetService/Greet", request.SerializeToString, response.FromString
    )
    try:
        return {"greeting": call(request(message=name), timeout=30).message}
    except grpc.RpcError as error:
        violations = []
        for detail in rpc_status.from_call(error).details:
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(bad):
                violations += [f"{one.field} {one.description}" for one in bad.field_violations]
        return {"code": error.code().name, "details": error.details(), "violations": violations}


def reflect(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    services = sorted(database.get_services())
    return {
        "services": services,
        "methods": [
            f"{service}/{method.name}"
            for service in services
            for method in pool.FindServiceByName(service).methods
        ],
    }


def health(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    state = health_pb2.HealthCheckResponse.ServingStatus.Name
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)
    watched = state(next(watching).status)
    watching.cancel()
    listed = stub.List(health_pb2.HealthListRequest(), timeout=30).statuses
    return {
        "check": state(stub.Check(health_pb2.HealthCheckRequest(), timeout=30).status),
        "watch": watched,
        "list": {name: state(one.status) for name, one in listed.items()},
    }


def decode(pool):
    """Decodes messages given in hexadecimal with protobuf. Prints each name, or null if protobuf refuses the message."""
    request = message_factory.GetMessageClass(pool.FindMessageTypeByName("greet.GreetingRequest"))
    names = []
    for line in json.load(sys.stdin):
        try:
            names.append(request.FromString(bytes.fromhex(line)).message)
        except DecodeError:
            names.append(None)
    return names


with grpc.insecure_channel(sys.argv[2]) as channel:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    if sys.argv[1] == "reflect":
        answer = reflect(channel)
    elif sys.argv[1] == "health":
        answer = health(channel)
    elif sys.argv[1] == "decode":
        answer = decode(pool)
    else:
        answer = [greet(channel, pool, name) for name in json.load(sys.stdin)]
    print(json.dumps(answer))
