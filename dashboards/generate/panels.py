"""Panels in this project's one style, on Grafana's own builders."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus
from grafana_foundation_sdk.builders import stat as stat_builder
from grafana_foundation_sdk.builders import statetimeline as timeline_builder
from grafana_foundation_sdk.builders import timeseries as timeseries_builder
from grafana_foundation_sdk.models import common as style
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
YELLOW, ORANGE, RED, BLUE = "yellow", "orange", "red", "blue"
# What is in order, or not known, has no colour of its own: TEXT in writing, PLAIN behind it, CALM where an area needs one.
TEXT, PLAIN, CALM = "text", "transparent", "#8e8e8e"

STEP = "1m"
WORD_SIZE = 20    # pixels, of words in a tile
# Counters of ids far from their limits move every 5 minutes, those of idle ids every 15. Grafana's $__rate_interval is
# four steps at least, and so covers them.
COUNTED = "5m"
# Those of details move every 15 minutes while calls come, too: only a window of as many of these holds the same number
# of steps wherever it ends.
DETAILED = "450s"

# Field names of legends: `requests_per_minute` reads as the tables have it.
WORDS = [("/_per_/g", " per "), ("/(input|output|concurrent|batch|model)_/g", "$1 ")]


@dataclass
class Query:
    expr: str
    legend: str = "__auto"
    step: str = STEP


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


def null_text(text, color):
    """The value mapping of what is not there: without one it takes the colour of the lowest threshold."""
    return [model.SpecialValueMap(options=model.DashboardSpecialValueMapOptions(
        match=model.SpecialValueMatch.NULL_AND_NAN, result=model.ValueMappingResult(text=text, color=color, index=99)))]


def target(query, ref, *, instant=False, table=False):
    made = prometheus.Dataquery().expr(query.expr).ref_id(ref).legend_format(query.legend).datasource(DATASOURCE)
    made = made.instant() if instant else made.range().interval(query.step)
    return made.format("table") if table else made.format("time_series")


def base_of(panel, title, description, size, unit, no_value):
    width, height = size
    return (panel.title(title).description(description).span(width).height(height).datasource(DATASOURCE)
            .unit(unit).no_value(no_value))


def refs(queries):
    return zip(queries, "ABCDEFGHIJ")


def stat(title, description, expr, *, size, unit, given=None, no_value, decimals=None, mappings=None,
         missing=PLAIN, label=None, words=False):
    """One number of now, or the values of a label. `no_value` stands on the colour `missing` where there is none;
    `words` that take turns in one tile are of one size."""
    panel = (base_of(stat_builder.Panel(), title, description, size, unit, no_value)
             .with_target(target(Query(expr), "A", instant=True, table=bool(label)))
             .thresholds(thresholds(given or steps(PLAIN)))
             .mappings(value_texts(mappings or {}) + null_text(no_value, missing))
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
             .color_mode(style.BigValueColorMode.BACKGROUND_SOLID)
             .graph_mode(style.BigValueGraphMode.NONE)
             .justify_mode(style.BigValueJustifyMode.AUTO)
             .text_mode(style.BigValueTextMode.VALUE)
             .wide_layout(True)
             .orientation(style.VizOrientation.AUTO)
             .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(bool(label))
                             .fields(f"/^{label}$/" if label else "")))
    if decimals is not None:
        panel.decimals(decimals)
    if words:
        panel.text(common.VizTextDisplayOptions().value_size(WORD_SIZE))
    return panel


def graph(title, description, queries, *, size, unit, no_value="no data", given=None, minimum=0, top=None,
          bars=False, stacked=False, stepped=False, orders=False, sort="Max", calcs=("max", "lastNotNull"),
          overrides=()):
    """A time series; `given` thresholds are drawn as dashed lines, `orders` gives each order of magnitude its room."""
    panel = (base_of(timeseries_builder.Panel(), title, description, size, unit, no_value)
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
    for query, ref in refs(queries):
        panel.with_target(target(query, ref))
    if any("{{quota}}" in query.legend for query in queries):
        for pattern, words in WORDS:
            panel.with_transformation(model.DataTransformerConfig(
                id_val="renameByRegex", options={"regex": pattern, "renamePattern": words}))
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
    """An override: an axis of its own, without the thresholds, which are of the other."""
    properties = [Property("custom.axisPlacement", "right"), Property("unit", unit),
                  Property("custom.thresholdsStyle", {"mode": "off"})]
    if bars:
        properties += [Property("custom.drawStyle", "bars"), Property("custom.fillOpacity", 50),
                       Property("custom.lineWidth", 0)]
    return pattern, properties


def points(pattern, size=5, *, lines=False):
    """An override: each value is a point; `lines` run through them."""
    drawn = [] if lines else [Property("custom.drawStyle", "points")]
    return pattern, [*drawn, Property("custom.pointSize", size), Property("custom.showPoints", "always")]


def timeline(title, description, queries, *, size, texts, no_value="no data"):
    """States over time; `texts` says what each number means."""
    panel = (base_of(timeline_builder.Panel(), title, description, size, "none", no_value)
             .mappings(value_texts(texts))
             # Not by thresholds: a merged stretch of those shows its range instead of its text.
             .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color(CALM))
             .show_value(style.VisibilityMode.AUTO).row_height(0.6).merge_values(True)
             .fill_opacity(80).line_width(0)
             .legend(common.VizLegendOptions().display_mode(style.LegendDisplayMode.LIST)
                     .placement(style.LegendPlacement.BOTTOM).show_legend(False).calcs([]))
             .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.SINGLE).sort(style.SortOrder.NONE)))
    for query, ref in refs(queries):
        panel.with_target(target(query, ref))
    return panel
