"""Reads a profile of pprof, without its libraries.

https://protobuf.dev/programming-guides/encoding/ and profile.proto of https://github.com/google/pprof
"""
import gzip


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Number and value of each field: an int, or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {tag & 7}")
        yield tag >> 3, value


def numbers(value):
    """A repeated number, packed or not."""
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(number)
    return found


class Profile:
    """samples: each with `stack`, the names of its functions, leaf first; `values`, by name; `labels`."""

    def __init__(self, path):
        with gzip.open(path) as file:
            parts = list(fields(file.read()))
        self.strings = [value.decode() for number, value in parts if number == 6]
        self.types = [tuple(self.strings[dict(fields(value))[n]] for n in (1, 2)) for number, value in parts if number == 1]
        self.mappings = [{n: self.strings[dict(fields(value)).get(n, 0)] for n in (5, 6)} for number, value in parts if number == 3]
        self.functions = {}
        for number, value in parts:
            if number == 5:
                function = dict(fields(value))
                self.functions[function[1]] = self.strings[function[2]], self.strings[function.get(4, 0)]
        self.locations = dict(self.location(value) for number, value in parts if number == 4)
        self.samples = [self.sample(value) for number, value in parts if number == 2]

    def location(self, data):
        lines, number = [], 0
        for field, value in fields(data):
            if field == 1:
                number = value
            if field == 4:
                line = dict(fields(value))
                lines.append((*self.functions[line[1]], line.get(2)))
        return number, lines

    def sample(self, data):
        stack, values, labels = [], [], {}
        for field, value in fields(data):
            if field == 1:
                stack += [line for number in numbers(value) for line in self.locations[number]]
            elif field == 2:
                values += numbers(value)
            elif field == 3:
                label = dict(fields(value))
                labels[self.strings[label[1]]] = self.strings[label[2]] if 2 in label else label.get(3)
        return {"stack": stack, "values": dict(zip([name for name, _ in self.types], values)), "labels": labels}
