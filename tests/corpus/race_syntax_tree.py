"""A tree is compiled by some threads while a transformer puts other nodes in."""

import ast

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": None,
}

tree = ast.parse("def f():\n" + "    a = 1\n" * 20)
shared = tree.body[0].body
tell(object=id(shared))


class Turn(ast.NodeVisitor):
    def visit_FunctionDef(self, node):
        for index in range(len(node.body)):
            node.body[index] = ast.copy_location(ast.Pass(), node)  # op: setitem


def compiles():
    while True:
        compile(tree, "text", "exec")  # op: compile, reads


def turns():
    while True:
        Turn().visit(tree)


run(compiles, turns)
