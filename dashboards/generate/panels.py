"""Panels in this project's one style, on Grafana's own builders."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus
from grafana_foundation_sdk.builders import stat as stat_builder
from grafana_foundation_sdk.builders import statetimeline as timeline_builder
from grafana_foundation_sdk.builders import table as table_builder
from grafana_foundation_sdk.builders import timeseries as timeseries_builder
from grafana_foundation_sdk.models import common as style
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"

# CloudWatch's minutes: counters move once a minute, so a rate looks back over four.
STEP = "1m"


@dataclass
class Query:
    expr: str
    legend: str = "__auto"
    step: str = STEP


@dataclass
class Column:
    """A column of a table: a label, the value of a query, or a label that its own query brings."""

    title: str
    label: str = None
    expr: str = None
    width: int = None
    unit: str = "string"
    decimals: int = None
    steps: list = None
    bar: bool = False
    mappings: list = None
    link: str = None


def describe(question, meaning, action):
    return f"{question}\n\n{meaning}\n\n**What to do:** {action}"


def percent(ratio):
    return f"{ratio * 100:g} %"


def steps(*pairs):
    """Threshold steps: the base colour, then (value, colour) pairs."""
    base, *rest = pairs
    return [model.Threshold(value=None, color=base)] + [model.Threshold(value=v, color=c) for v, c in rest]


def thresholds(given):
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(given)


def value_texts(texts):
    """Value mappings: {value: (text, colour)}."""
    return [model.ValueMap(options={
        str(value): model.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(texts.items())})]


def target(query, ref, *, instant=False, table=False):
    made = prometheus.Dataquery().expr(query.expr).ref_id(ref).legend_format(query.legend).datasource(DATASOURCE)
    made = made.instant() if instant else made.range().interval(query.step)
    return made.format("table") if table else made.format("time_series")


def _base(panel, title, description, size, unit, no_value):
    width, height = size
    return (panel.title(title).description(description).span(width).height(height).datasource(DATASOURCE)
            .unit(unit).no_value(no_value))


def _refs(queries):
    return zip(queries, "ABCDEFGHIJ")


def stat(title, description, expr, *, size, unit, given, no_value="no data", decimals=None, mappings=None,
         legend="__auto", name_only=False):
    """One number of now."""
    panel = (_base(stat_builder.Panel(), title, description, size, unit, no_value)
             .with_target(target(Query(expr, legend), "A", instant=True))
             .thresholds(thresholds(given))
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
             .color_mode(style.BigValueColorMode.BACKGROUND)
             .graph_mode(style.BigValueGraphMode.NONE)
             .justify_mode(style.BigValueJustifyMode.AUTO)
             .text_mode(style.BigValueTextMode.NAME if name_only else style.BigValueTextMode.VALUE)
             .wide_layout(True)
             .orientation(style.VizOrientation.AUTO)
             .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")))
    if decimals is not None:
        panel.decimals(decimals)
    if mappings:
        panel.mappings(value_texts(mappings))
    return panel


def graph(title, description, queries, *, size, unit, no_value="no data", given=None, minimum=0, top=None,
          bars=False, stacked=False, stepped=False, orders=False, sort="Max", calcs=("max", "lastNotNull"),
          overrides=()):
    """A time series; `given` thresholds are drawn as dashed lines, `orders` gives each order of magnitude its room."""
    panel = (_base(timeseries_builder.Panel(), title, description, size, unit, no_value)
             .legend(common.VizLegendOptions().display_mode(style.LegendDisplayMode.TABLE)
                     .placement(style.LegendPlacement.BOTTOM).show_legend(True).calcs(list(calcs))
                     .sort_by(sort).sort_desc(True))
             .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.MULTI)
                      .sort(style.SortOrder.DESCENDING))
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
             .draw_style(style.GraphDrawStyle.BARS if bars else style.GraphDrawStyle.LINE)
             .line_interpolation(style.LineInterpolation.STEP_AFTER if stepped else style.LineInterpolation.LINEAR)
             .line_width(0 if bars else 1)
             .fill_opacity(70 if bars or stacked else 0)
             .show_points(style.VisibilityMode.NEVER if not bars else style.VisibilityMode.AUTO)
             .span_nulls(False))
    if minimum is not None:
        panel.min(minimum)
    if top is not None:
        panel.axis_soft_max(top)
    if orders:
        panel.scale_distribution(common.ScaleDistributionConfig().type(style.ScaleDistribution.SYMLOG)
                                 .log(10).linear_threshold(1))
    if stacked:
        panel.stacking(common.StackingConfig().mode(style.StackingMode.NORMAL).group("A"))
    if given:
        panel.thresholds(thresholds(given)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(style.GraphThresholdsStyleMode.DASHED))
    for query, ref in _refs(queries):
        panel.with_target(target(query, ref))
    for matcher, properties in overrides:
        panel.override_by_regexp(matcher, properties)
    return panel


def dashed(pattern, color=None, dash=(10, 6)):
    """An override: series whose name matches are drawn as a dashed line without fill."""
    properties = [Property("custom.lineStyle", {"fill": "dash", "dash": list(dash)}),
                  Property("custom.lineWidth", 2), Property("custom.fillOpacity", 0),
                  Property("custom.lineInterpolation", "stepAfter")]
    if color:
        properties.append(Property("color", {"mode": "fixed", "fixedColor": color}))
    return pattern, properties


def on_right_axis(pattern, unit, *, bars=False):
    properties = [Property("custom.axisPlacement", "right"), Property("unit", unit)]
    if bars:
        properties += [Property("custom.drawStyle", "bars"), Property("custom.fillOpacity", 50),
                       Property("custom.lineWidth", 0)]
    return pattern, properties


def points(pattern):
    return pattern, [Property("custom.drawStyle", "points"), Property("custom.pointSize", 8),
                     Property("custom.showPoints", "always")]


def timeline(title, description, queries, *, size, texts, no_value="no data"):
    """States over time; `texts` says what each number means."""
    panel = (_base(timeline_builder.Panel(), title, description, size, "none", no_value)
             .mappings(value_texts(texts))
             .thresholds(thresholds(steps(GREY)))
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
             .show_value(style.VisibilityMode.AUTO).row_height(0.85).merge_values(True)
             .fill_opacity(80).line_width(0)
             .legend(common.VizLegendOptions().display_mode(style.LegendDisplayMode.LIST)
                     .placement(style.LegendPlacement.BOTTOM).show_legend(False).calcs([]))
             .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.SINGLE).sort(style.SortOrder.NONE)))
    for query, ref in _refs(queries):
        panel.with_target(target(query, ref))
    return panel


def table(title, description, columns, *, size, no_value, base, sort=None, only_above=None):
    """Rows of now: one instant query per column with an expression, merged by their common labels.

    A column with both shows a label that its query brings. `base` is the column whose query answers
    whenever any does: Grafana may call the value "Value" when it alone answers. `sort` is (title,
    descending); `only_above` is (title, value) and keeps the rows whose column is above it.
    """
    panel = (_base(table_builder.Panel(), title, description, size, "string", no_value)
             .cell_height(style.TableCellHeight.SM).show_header(True).filterable(True)
             .thresholds(thresholds(steps(GREY)))
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)))
    names = {column.label: column.title for column in columns if column.label}
    queried = [column for column in columns if column.expr]
    for column, ref in _refs(queried):
        panel.with_target(target(Query(column.expr), ref, instant=True, table=True))
        if not column.label:
            names[f"Value #{ref}"] = column.title
            if column.title == base:
                names["Value"] = column.title
    if len(queried) > 1:
        panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    if only_above:
        column, value = only_above
        field_name = next(name for name, each in names.items() if each == column)
        panel.with_transformation(model.DataTransformerConfig(id_val="filterByValue", options={
            "type": "include", "match": "any",
            "filters": [{"fieldName": field_name, "config": {"id": "greater", "options": {"value": value}}}]}))
    panel.with_transformation(model.DataTransformerConfig(
        id_val="filterFieldsByName", options={"include": {"names": list(names)}}))
    titles = [column.title for column in columns]
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options={
        "excludeByName": {}, "indexByName": {name: titles.index(title) for name, title in names.items()},
        "renameByName": names}))
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort[0]).desc(sort[1])])
    for column in columns:
        panel.override_by_name(column.title, _cell(column))
    return panel


def _cell(column):
    properties = [Property("unit", column.unit), Property("noValue", "–")]
    if column.width:
        properties.append(Property("custom.width", column.width))
    if column.decimals is not None:
        properties.append(Property("decimals", column.decimals))
    if column.steps:
        properties.append(Property("thresholds", {"mode": "absolute", "steps": [
            {"value": s.value, "color": s.color} for s in column.steps]}))
        if not column.bar:
            properties.append(Property("custom.cellOptions", {"type": "color-text"}))
    if column.bar:
        properties += [Property("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
                       Property("min", 0), Property("max", 1)]
    if column.mappings:
        properties.append(Property("mappings", [{"type": "value", "options": {
            str(k): {"text": t, "color": c, "index": i} for i, (k, (t, c)) in enumerate(column.mappings.items())}}]))
        properties.append(Property("custom.cellOptions", {"type": "color-text"}))
    if column.link:
        properties.append(Property("links", [{"title": "Open Bedrock / Model", "url": column.link}]))
    return properties
