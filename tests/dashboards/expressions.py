"""PromQL as a tree, for the lint rules."""

import re

import promql_parser

# Stand-ins for Grafana's durations; each distinct, so that a rule can tell which one was written.
DURATIONS = {"$__rate_interval": "257s", "$__interval": "61s", "$__range": "21599s"}
RATE_INTERVAL = 257


def parse(expr):
    for name, duration in DURATIONS.items():
        expr = expr.replace(name, duration)
    return promql_parser.parse(expr)


def kind(node):
    return type(node).__name__


def children(node):
    match kind(node):
        case "BinaryExpr":
            return [node.lhs, node.rhs]
        case "Call":
            return list(node.args)
        case "MatrixSelector":
            return [node.vector_selector]
        case "AggregateExpr" | "ParenExpr" | "SubqueryExpr" | "UnaryExpr":
            return [node.expr]
        case _:
            return []


def walk(node, parents=()):
    """Every node with its ancestors, nearest last."""
    yield node, parents
    for child in children(node):
        yield from walk(child, (*parents, node))


def selectors(tree):
    return [(node, parents) for node, parents in walk(tree) if kind(node) == "VectorSelector"]


def matchers(selector):
    return {(m.name, str(m.op).removeprefix("MatchOp."), m.value) for m in selector.matchers.matchers}


def grouping(aggregate):
    """The labels of `by (…)`; none for an aggregation over everything."""
    modifier = aggregate.modifier
    return set(modifier.labels) if modifier and str(modifier).startswith("by") else set()


def made_labels(tree):
    """Labels that the query itself makes."""
    made = set()
    for node, _ in walk(tree):
        if kind(node) == "Call" and node.func.name == "label_replace":
            made.add(node.args[1].val)
        if kind(node) == "AggregateExpr" and str(node.op) == "count_values":
            made.add(node.param.val)
    return made


def is_number(node):
    return kind(node) == "NumberLiteral" or kind(node) == "ParenExpr" and is_number(node.expr)


def variables(text):
    return set(re.findall(r"\$\{?([A-Za-z_]\w*)", text))
