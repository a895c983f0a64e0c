"""PromQL as a tree, for the lint rules of alerts and of dashboards. Parsed by the promql-parser crate, through its
Python binding."""

import re

import promql_parser

# Stand-ins for Grafana's durations; each distinct, so that a rule can tell which one was written.
DURATIONS = {"$__rate_interval": "257s", "$__interval": "61s", "$__range": "21599s"}
RATE_INTERVAL = 257

COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")


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


def metrics(tree):
    return {node.name for node, _ in selectors(tree)}


def matchers(selector):
    return [(m.name, str(m.op).removeprefix("MatchOp."), m.value) for m in selector.matchers.matchers]


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


def result_labels(node):
    """The labels of what comes out, where an aggregation decides them."""
    match kind(node):
        case "AggregateExpr":
            return grouping(node)
        case "BinaryExpr" if str(node.op) == "or":
            return result_labels(node.lhs) | result_labels(node.rhs)
        case "BinaryExpr":
            return result_labels(node.lhs) or result_labels(node.rhs)
        case _:
            return set().union(*map(result_labels, children(node)))


def number(node):
    """The value of a constant (a number, or numbers multiplied), else None."""
    match kind(node):
        case "NumberLiteral":
            return node.val
        case "ParenExpr":
            return number(node.expr)
        case "BinaryExpr" if str(node.op) == "*":
            factors = number(node.lhs), number(node.rhs)
            return None if None in factors else factors[0] * factors[1]
    return None


def variables(text):
    """The names of Grafana's variables."""
    return set(re.findall(r"\$\{?([A-Za-z_]\w*)", text))
