"""Tables in this project's one style: rows of now."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard
from grafana_foundation_sdk.builders import table as table_builder
from grafana_foundation_sdk.models import common as style
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from panels import PLAIN, TEXT, Query, base_of, null_text, refs, steps, target, thresholds, value_texts

NOT_KNOWN = "–"

# Column widths in pixels: what they hold is seen whole, their titles too.
MODEL, REGION, ACCOUNT_NAME, ACCOUNT, SCOPE, QUOTA_NAME, VARIANT = 320, 116, 112, 116, 100, 180, 76


# Labels whose heads offer a filter: it takes room, and for accounts and their names one will do.
FILTERED = {"model", "region", "account_id", "scope", "quota", "state", "cause", "collector", "team", "name"}


@dataclass
class Column:
    """A column of a table: a label, the value of a query, or a label that its own query brings."""

    title: str
    label: str = None
    expr: str = None
    width: int = None
    # Without a width it takes what is left, this much at least.
    least: int = None
    unit: str = "string"
    decimals: int = None
    steps: list = None
    bar: bool = False
    mappings: dict = None
    # (from, text): what every value from there on reads as.
    beyond: tuple = None
    # (pattern, text): what every text like that reads as.
    like: tuple = None
    link: str = None


def table(title, description, columns, *, size, no_value, base, sort=()):
    """Rows of now: one instant query per column with an expression, merged by their common labels.

    A column with both shows a label that its query brings. `base` is the column whose query answers
    whenever any does: Grafana may call the value "Value" when it alone answers. `sort` is pairs of
    (title, descending).
    """
    # Grafana gives each of several the same room, and more than there is.
    assert sum(column.least is not None for column in columns) <= 1, f"{title}: two columns take what is left"
    panel = _table(title, description, size, no_value)
    names = {column.label: column.title for column in columns if column.label}
    queried = [column for column in columns if column.expr]
    for column, ref in refs(queried):
        panel.with_target(target(Query(column.expr), ref, instant=True, table=True))
        if not column.label:
            names[f"Value #{ref}"] = column.title
            if column.title == base:
                names["Value"] = column.title
    if len(queried) > 1:
        panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(model.DataTransformerConfig(
        id_val="filterFieldsByName", options={"include": {"names": list(names)}}))
    titles = [column.title for column in columns]
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options={
        "excludeByName": {}, "indexByName": {name: titles.index(title) for name, title in names.items()},
        "renameByName": names}))
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(title).desc(down) for title, down in sort])
    for column in columns:
        panel.override_by_name(column.title, _cell(column))
    return panel


def where(*, rest=False):
    """The columns that say which region and account. An account without a name has its id for one: it stands beside.

    `rest`: names take the room that no other column does.
    """
    room = {"least" if rest else "width": ACCOUNT_NAME}
    return [Column("Region", "region", width=REGION),
            Column("Account name", "account_name", like=("^[0-9]{12}$", NOT_KNOWN), **room),
            Column("Account", "account_id", width=ACCOUNT)]


def model_and_place(link=None, *, rest=False):
    """The columns that rows about a model begin with."""
    return [Column("Model", "model", width=MODEL, link=link), *where(rest=rest)]


def matrix(title, description, expr, *, rows, columns, size, no_value, given, row_title, row_width, row_texts=None,
           cell=None):
    """One value per pair of two labels, in cells that are coloured by thresholds."""
    panel = (_table(title, description, size, no_value).unit("percentunit").decimals(0)
             .thresholds(thresholds(given)).mappings(null_text(NOT_KNOWN, PLAIN))
             .cell_options(style.TableColoredBackgroundCellOptions(mode=style.TableCellBackgroundDisplayMode.BASIC))
             .with_target(target(Query(expr), "A", instant=True, table=True)))
    if cell:
        panel.width(cell).min_width(cell)
    for label in (columns, rows):
        panel.with_transformation(model.DataTransformerConfig(
            id_val="sortBy", options={"fields": {}, "sort": [{"field": label}]}))
    panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options={
        "columnField": columns, "rowField": rows, "valueField": "Value", "emptyValue": "null"}))
    corner = f"{rows}\\{columns}"
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options={
        "excludeByName": {}, "indexByName": {}, "renameByName": {corner: row_title}}))
    panel.override_by_name(row_title, [
        Property("unit", "string"), Property("custom.width", row_width), Property("custom.cellOptions", {"type": "auto"}),
        Property("mappings", value_texts(row_texts or {}))])
    return panel


def _table(title, description, size, no_value):
    return (base_of(table_builder.Panel(), title, description, size, "string", no_value)
            .cell_height(style.TableCellHeight.SM).show_header(True).filterable(False)
            .thresholds(thresholds(steps(TEXT)))
            .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)))


def _cell(column):
    properties = [Property("unit", column.unit), Property("noValue", NOT_KNOWN),
                  Property("mappings", _cell_texts(column))]
    if column.width:
        properties.append(Property("custom.width", column.width))
    if column.least:
        properties.append(Property("custom.minWidth", column.least))
    if column.label in FILTERED:
        properties.append(Property("custom.filterable", True))
    if column.decimals is not None:
        properties.append(Property("decimals", column.decimals))
    if column.steps:
        properties.append(Property("thresholds", {"mode": "absolute", "steps": [
            {"value": s.value, "color": s.color} for s in column.steps]}))
    if column.bar:
        properties += [Property("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
                       Property("min", 0), Property("max", 1)]
    elif column.steps or column.mappings:
        properties.append(Property("custom.cellOptions", {"type": "color-text"}))
    if column.mappings:
        properties.append(Property("custom.align", "left"))
    if column.link:
        properties.append(Property("links", [{"title": "Open " + column.link.title, "url": column.link.url}]))
    return properties


def _cell_texts(column):
    texts = value_texts(column.mappings) if column.mappings else []
    if column.beyond:
        start, text = column.beyond
        texts.append(model.RangeMap(options=model.DashboardRangeMapOptions(
            from_val=start, to=None, result=model.ValueMappingResult(text=text, color=TEXT, index=98))))
    if column.like:
        pattern, text = column.like
        texts.append(model.RegexMap(options=model.DashboardRegexMapOptions(
            pattern=pattern, result=model.ValueMappingResult(text=text, color=TEXT, index=97))))
    return texts + null_text(NOT_KNOWN, TEXT)
