"""A boto3 bedrock-runtime client that keeps within its quotas, in one file.

    import boto3
    from botocore.config import Config
    from bedrock_quota_client import Limits, QuotaClient

    runtime = boto3.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 1}))
    model = "us.anthropic.claude-sonnet-4-6"
    client = QuotaClient(runtime, {model: Limits(requests_per_minute=200, tokens_per_minute=600_000, burndown=5)})
    client.converse(modelId=model, messages=[...], inferenceConfig={"maxTokens": 500})

A call waits until its quotas have room: a request, and its input + max_tokens, which Bedrock reserves when it lets a
call in. When the call ends, what it used (input + cache writes + output x burndown) takes the reservation's place.
`Limiter`, `Estimator`, `Limits`, `may_retry` and `backoff` know no clock and no network: time and chance are arguments.
"""

import concurrent.futures
import contextlib
import http.client
import io
import itertools
import json
import math
import queue
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from dataclasses import dataclass, field

from botocore.response import StreamingBody

# Tokens of a character before any answer told: English has about four characters a token, other texts fewer.
TOKENS_PER_CHARACTER = 1 / 3
# A rate that was too low is mended at once, one that was too high by this much with every answer.
FORGETTING = 0.1
# Seconds that the first retry waits at most, and any.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
# AWS's SDKs try a model that is not ready so often.
NOT_READY_ATTEMPTS = 5
# Of a bucket: what rounding of sums may lack.
ROUNDING = 1e-6
# In seconds.
DAY = 86_400.0
# Of the newest minute that a figure of the API counts.
MINUTE = 60
# Seconds that an exporter's API may take, from the asking to the answer's last byte.
API_PATIENCE = 10
# What calls are held to, of all that an exporter tells.
RATES = ("requests_per_minute", "tokens_per_minute", "tokens_per_day")


class DeadlineExceeded(Exception):
    """The quotas had no room for a call before its deadline, or never will: one of them is 0."""


@dataclass(frozen=True)
class Limits:
    """What one model's calls are held to.

    None: there is no such quota. `burndown`: tokens of quota that an output token costs. `share`: this process's part
    of the limits, where several share them. `max_output_tokens`: the model's maximum, which Bedrock reserves for a call
    without max_tokens; without it such calls are refused here. `used_today`: tokens of the day's quota that everybody has
    used, at `used_today_at` in seconds since the epoch (None: today); on a later day (UTC) they no longer count.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    tokens_per_day: float | None = None
    burndown: float = 1.0
    share: float = 1.0
    max_output_tokens: int | None = None
    used_today: float = 0.0
    used_today_at: float | None = None

    def __post_init__(self):
        for name in RATES:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; expected a number from 0, or None where there is no such quota")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; expected more than 0 and at most 1")
        if not (math.isfinite(self.burndown) and self.burndown > 0):
            raise ValueError(f"burndown is {self.burndown}; expected a number above 0")
        if not (math.isfinite(self.used_today) and self.used_today >= 0):
            raise ValueError(f"used_today is {self.used_today}; expected a number from 0")

    def charge(self, usage):
        """Tokens of quota of a call that is over. Cache reads cost none."""
        return usage.get("input", 0) + usage.get("cache_write", 0) + usage.get("output", 0) * self.burndown


def limits_of(answer, used_today=None, **more):
    """Limits from an exporter's answer at /api/v1/headroom about one invocation id.

    The suggested safe rate of each quota, which is at most 90 % of its limit, and what is used of the day. A quota that
    is known not to exist limits nothing. Refused, with a ValueError: an answer of which something was not read, since it
    may lack a quota; a quota whose rate is not known, or of which nobody can tell which it is, since nobody could keep to
    it; a day's quota of which the use is not known, unless the caller tells it as `used_today`; and an answer in which
    nothing limits requests or tokens, such as of provisioned throughput. `more`: fields that the API does not tell, such
    as `burndown`.
    """
    for name in ("items", "unsettled", "unread"):
        if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
            raise ValueError(f"the answer has no list {name}: expected all of /api/v1/headroom")
    items = answer["items"]
    places = {(item["account_id"], item["region"], item["scope"]) for item in items if item["scope"] != "regional"}
    if len(places) != 1:
        raise ValueError(f"limits are of one account, region and scope; found {sorted(places)}")
    if answer["unread"]:
        unread = "; ".join(f"{one['account_id']} in {one['region']}: {one['why']}" for one in answer["unread"])
        raise ValueError(f"not all was read that limits are made of: {unread}")
    for quantity in answer["unsettled"]:
        if quantity["quota"] in RATES:
            raise ValueError(f"{quantity['quota']}: nobody can tell which quota is spent: {quantity['reason']}")
    present = [item for item in items if item["state"] != "no_such_quota"]
    told = {}
    for item in present:
        name = item["quota"]
        if name not in RATES:
            continue
        rate = item["safe_rate"] or {}
        if rate.get("value") is None:
            raise ValueError(f"{name}: no safe rate is known: {item['unknown'].get('safe_rate')}")
        told[name] = min(rate["value"], told.get(name, math.inf))
    if not told:
        found = ", ".join(sorted({item["quota"] for item in present})) or "none"
        raise ValueError(
            f"no quota of requests or tokens limits these calls (quotas that they spend: {found}), so that nothing would "
            "be kept to: give Limits of your own"
        )
    if told.get("tokens_per_day"):
        days = [item for item in present if item["quota"] == "tokens_per_day"]
        told.update(_used_today(days, answer["snapshot_at"], used_today))
    return Limits(**told, **more)


def _used_today(days, snapshot_at, told):
    """What is used of the quotas of a day, and when it was so. What the caller tells wins."""
    if told is not None:
        return {"used_today": told, "used_today_at": snapshot_at}
    for item in days:
        if item["used"] is None:
            raise ValueError(
                f"tokens_per_day: how much of the day is used is not known: {item['unknown'].get('used')}; where you know "
                "it, give used_today, in tokens"
            )
    fullest = max(days, key=lambda item: item["used"])
    # The newest minute's day, which just after midnight is the day before.
    return {"used_today": fullest["used"], "used_today_at": snapshot_at - (fullest["data_age_seconds"] or 0) - MINUTE}


def limits_from(url, model_id, **more):
    """Limits of an invocation id, asked of a running exporter; `account` and `region` choose where.

    Beside what limits_of refuses: urllib's HTTPError, with what the exporter says of it, URLError where it cannot be
    reached, and TimeoutError where it does not answer in time.
    """
    place = {name: more.pop(name) for name in ("account", "region") if more.get(name) is not None}
    query = urllib.parse.urlencode({"model_id": model_id, **place})
    return limits_of(_in_time(f"{url.rstrip('/')}/api/v1/headroom?{query}"), **more)


def _in_time(url):
    """An answer of an exporter's API.

    A thread of its own asks: a socket's timeout is for each read, so that a server which drips bytes gets past it.
    """
    answer = concurrent.futures.Future()

    def ask():
        try:
            answer.set_result(_answer(url))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(API_PATIENCE)
    except concurrent.futures.TimeoutError:
        host = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
        raise TimeoutError(f"{host} gave no whole answer within {API_PATIENCE} s") from None


def _answer(url):
    try:
        with urllib.request.urlopen(url, timeout=API_PATIENCE) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        # The API's problems say more than their status; what else may answer there need not.
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
            error.msg = json.load(error)["detail"]
        raise


class Bucket:
    """Holds a minute's worth and fills evenly. It may be overdrawn."""

    def __init__(self, capacity):
        self.capacity, self.level, self.at = capacity, capacity, None

    def fill(self, now):
        if self.capacity is not None and self.at is not None:
            self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.capacity / 60)
        self.at = now if self.at is None else max(now, self.at)

    def resize(self, capacity):
        """What is taken stays taken."""
        if capacity is None or self.capacity is None:
            self.level = capacity
        else:
            self.level += capacity - self.capacity
        self.capacity = capacity

    def wait(self, amount):
        """Seconds until so much is there; a full bucket has enough for any call. None: never."""
        if self.capacity is None:
            return 0.0
        if self.capacity == 0:
            return None
        lack = min(amount, self.capacity) - self.level
        return 0.0 if lack <= ROUNDING else lack * 60 / self.capacity

    def put(self, amount):
        if self.capacity is not None:
            self.level = min(self.capacity, self.level + amount)

    def drain(self):
        """Leaves nothing: somebody else has taken it."""
        if self.capacity is not None:
            self.level = min(self.level, 0.0)


class Day:
    """Tokens of a day, which are charged when a call is over. Whether AWS's day is the UTC day is not documented."""

    def __init__(self, limit):
        self.limit, self.spent, self.day = limit, 0.0, None

    def fill(self, now):
        day = now // DAY
        if self.day is not None and day > self.day:
            self.spent = 0.0
        self.day = day if self.day is None else max(day, self.day)

    def learn(self, used, at):
        """So much was used at a time (None: today), own calls included; own calls since then may have used more."""
        if at is not None:
            self.fill(at)
        if at is None or at // DAY == self.day:
            self.spent = max(self.spent, used)

    def wait(self, now):
        """Seconds until some are there. None: never."""
        if self.limit is None or self.spent < self.limit:
            return 0.0
        return DAY - now % DAY if self.limit > 0 else None


class Limiter:
    """Who may call now: requests and tokens at once, first come, first served.

    Times are seconds of any clock; with tokens per day they are seconds since the epoch.
    """

    def __init__(self, limits):
        self.now = 0.0
        self.day = Day(_part(limits.tokens_per_day, limits.share))
        self.day.learn(limits.used_today * limits.share, limits.used_today_at)
        self.requests = Bucket(_part(limits.requests_per_minute, limits.share))
        self.tokens = Bucket(_part(limits.tokens_per_minute, limits.share))
        self.waiting = deque()
        self.reserved = {}

    def resize(self, now, limits):
        """Other limits hold from now on."""
        self._fill(now)
        self.requests.resize(_part(limits.requests_per_minute, limits.share))
        self.tokens.resize(_part(limits.tokens_per_minute, limits.share))
        self.day.limit = _part(limits.tokens_per_day, limits.share)
        self.day.learn(limits.used_today * limits.share, limits.used_today_at)

    def ask(self, call, tokens, deadline=None):
        """A call that reserves so many tokens gets in line."""
        self.waiting.append((call, tokens, deadline))

    def leave(self, call):
        """A call that waits goes away."""
        self.waiting = deque(each for each in self.waiting if each[0] != call)

    def step(self, now):
        """The calls that may begin, those that are too late or never may, and when to look again (None: no need)."""
        self._fill(now)
        admitted, expired = [], []
        for each in list(self.waiting):
            if each[2] is not None and each[2] <= now or self._wait(each[1]) is None:
                self.waiting.remove(each)
                expired.append(each[0])
        while self.waiting and self._wait(self.waiting[0][1]) == 0:
            call, tokens, _ = self.waiting.popleft()
            self.requests.put(-1)
            self.tokens.put(-tokens)
            self.reserved[call] = tokens
            admitted.append(call)
        if not self.waiting:
            return admitted, expired, None
        deadlines = [deadline for _, _, deadline in self.waiting if deadline is not None]
        return admitted, expired, min([now + self._wait(self.waiting[0][1]), *deadlines])

    def settle(self, now, call, tokens):
        """A call is over and has cost so many tokens of quota."""
        self._fill(now)
        self.tokens.put(self.reserved.pop(call) - tokens)
        self.day.spent += tokens

    def hold(self, call):
        """A call is over and nobody knows what it cost: its reservation stays spent."""
        self.day.spent += self.reserved.pop(call)

    def refused(self, now, call):
        """Bedrock refused a call. It cost nothing, and somebody else has taken what seemed to be there."""
        self._fill(now)
        self.tokens.put(self.reserved.pop(call))
        self.requests.put(1)
        self.requests.drain()
        self.tokens.drain()

    def _fill(self, now):
        self.now = max(self.now, now)
        self.requests.fill(now)
        self.tokens.fill(now)
        self.day.fill(self.now)

    def _wait(self, tokens):
        waits = [self.requests.wait(1), self.tokens.wait(tokens), self.day.wait(self.now)]
        return None if None in waits else max(waits)


def _part(limit, share):
    return None if limit is None else limit * share


class Estimator:
    """Tokens of a text before Bedrock has counted them, learnt from what it counted."""

    def __init__(self):
        self.rate = TOKENS_PER_CHARACTER

    def tokens(self, characters):
        return math.ceil(characters * self.rate - ROUNDING)

    def learn(self, characters, tokens):
        if characters > 0:
            seen = tokens / characters
            self.rate = max(seen, self.rate + FORGETTING * (seen - self.rate))


def may_retry(status, code, attempts):
    """Whether an error is one that passes, after so many attempts."""
    if code == "ModelNotReadyException":
        return attempts < NOT_READY_ATTEMPTS
    is_throttling = status == 429 and code in ("ThrottlingException", "TooManyRequestsException")
    return is_throttling or status in (503, 529)


def backoff(retries, chance, retry_after=None):
    """Seconds before the next attempt, after so many retries: full jitter, and no less than Bedrock asks for.

    `chance` is from 0 to 1.
    """
    return max(retry_after or 0.0, chance * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(retries, 30)))


@dataclass
class Statistics:
    successes: int = 0
    failures: int = 0
    throttled: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    # By modelId: why the newest answer told no limits, so that those before it still hold.
    stale: dict = field(default_factory=dict)

    @property
    def success_rate(self):
        """Of calls, not of attempts; None before the first."""
        calls = self.successes + self.failures
        return self.successes / calls if calls else None


@dataclass
class _Model:
    limits: Limits
    limiter: Limiter
    estimator: Estimator = field(default_factory=Estimator)
    ready: set = field(default_factory=set)
    late: set = field(default_factory=set)


class QuotaClient:
    """Wraps a boto3 bedrock-runtime client; any number of threads may call it. All else is the client's own.

    `limits`: by modelId. `patience`: seconds that a call may take to get in, retries included; None: as long as it
    takes. A boto3 client that retries by itself is refused: its retries would be seen by nobody.
    """

    def __init__(self, client, limits, patience=None, clock=None, chance=random.random):
        retries = client.meta.config.retries or {}
        if retries.get("total_max_attempts", retries.get("max_attempts", 4) + 1) != 1:
            raise ValueError(
                "the boto3 client retries by itself; make it with config=Config(retries={'total_max_attempts': 1})"
            )
        self._client, self._patience, self._chance = client, patience, chance
        self._clock = clock or _clock()
        self._models = {model_id: _Model(each, Limiter(each)) for model_id, each in limits.items()}
        self._changed, self._calls = threading.Condition(), itertools.count()
        # Streams that nobody wanted to the end. A destructor may run in the midst of anything, and so only leaves a note.
        self._abandoned = queue.SimpleQueue()
        self._statistics = Statistics()

    def __getattr__(self, name):
        return getattr(self._client, name)

    @property
    def statistics(self):
        with self._changed:
            self._book_abandoned()
        return self._statistics

    def set_limits(self, model_id, limits):
        """Other limits hold for a model from now on."""
        with self._changed:
            model = self._model(model_id)
            model.limits = limits
            model.limiter.resize(self._clock(), limits)
            self._statistics.stale.pop(model_id, None)
            self._changed.notify_all()

    def refresh_limits(self, model_id, url, **more):
        """Asks a running exporter for a model's limits anew, as limits_from does; they hold from now on.

        What the API does not tell stays as it is, unless `more` tells it. Where there is no answer, or one that limits_of
        refuses, the last known limits go on holding: what is unknown is no missing limit. `statistics.stale` then says
        why, until an answer tells limits again.
        """
        with self._changed:
            known = self._model(model_id).limits
        more = {"burndown": known.burndown, "share": known.share, "max_output_tokens": known.max_output_tokens, **more}
        try:
            limits = limits_from(url, model_id, **more)
        except (ValueError, LookupError, OSError, http.client.HTTPException) as error:
            why = f"the answer has no {error}" if isinstance(error, LookupError) else str(error)
            with self._changed:
                self._statistics.stale[model_id] = why
            if isinstance(error, urllib.error.HTTPError):
                error.close()
        else:
            self.set_limits(model_id, limits)

    def converse(self, **request):
        model, characters, call, answer = self._admitted("converse", request)
        self._over(model, call, characters, _converse_usage(answer.get("usage")))
        return answer

    def converse_stream(self, **request):
        model, characters, call, answer = self._admitted("converse_stream", request)
        answer["stream"] = _Events(
            answer["stream"],
            over=lambda usage: self._over(model, call, characters, usage),
            abandoned=lambda: self._abandoned.put((model, call, characters)),
        )
        return answer

    def invoke_model(self, **request):
        model, characters, call, answer = self._admitted("invoke_model", request)
        usage = None
        try:
            body = answer["body"].read()
            answer["body"] = StreamingBody(io.BytesIO(body), len(body))
            usage = _body_usage(body, answer["ResponseMetadata"]["HTTPHeaders"])
        finally:
            self._over(model, call, characters, usage)
        return answer

    def invoke_model_with_response_stream(self, **_):
        """Not guarded, and so refused: use converse_stream."""
        raise NotImplementedError("invoke_model_with_response_stream is not guarded by quotas: use converse_stream")

    def _model(self, model_id):
        if model_id not in self._models:
            raise ValueError(f"no limits were given for {model_id}; known: {', '.join(self._models)}")
        return self._models[model_id]

    def _admitted(self, operation, request):
        """Calls Bedrock until it lets the call in."""
        model = self._model(request.get("modelId"))
        characters, max_tokens = _asked(operation, request)
        max_tokens = model.limits.max_output_tokens if max_tokens is None else max_tokens
        if max_tokens is None:
            raise ValueError(
                "the request sets no max_tokens, so Bedrock reserves the model's maximum: set it, or give "
                "max_output_tokens in Limits"
            )
        deadline = None if self._patience is None else self._clock() + self._patience
        for attempt in itertools.count(1):
            call = self._enter(model, characters, max_tokens, deadline)
            try:
                return model, characters, call, getattr(self._client, operation)(**request)
            except BaseException as error:
                pause = self._refused(model, call, error, attempt)
                late = pause is not None and deadline is not None and self._clock() + pause >= deadline
                if pause is None or late:
                    self._count(failures=1)
                    raise
            self._count(retries=1, waited_seconds=pause)
            time.sleep(pause)

    def _refused(self, model, call, error, attempt):
        """Books a failed attempt; returns the pause before the next, None where there is none."""
        response = getattr(error, "response", None)
        if response is None:
            # Whether Bedrock has seen the call nobody knows.
            with self._changed:
                model.limiter.hold(call)
            return None
        metadata, code = response.get("ResponseMetadata", {}), response.get("Error", {}).get("Code")
        status = metadata.get("HTTPStatusCode")
        with self._changed:
            if status == 429 and code != "ModelNotReadyException":
                self._statistics.throttled += 1
                model.limiter.refused(self._clock(), call)
            else:
                model.limiter.settle(self._clock(), call, 0)
            self._changed.notify_all()
        if not may_retry(status, code, attempt):
            return None
        return backoff(attempt - 1, self._chance(), _seconds(metadata.get("HTTPHeaders", {}).get("retry-after")))

    def _enter(self, model, characters, max_tokens, deadline):
        """Waits for room."""
        since = self._clock()
        with self._changed:
            self._book_abandoned()
            call = next(self._calls)
            model.limiter.ask(call, model.estimator.tokens(characters) + max_tokens, deadline)
            try:
                while True:
                    now = self._clock()
                    admitted, expired, wake = model.limiter.step(now)
                    model.ready.update(admitted)
                    model.late.update(expired)
                    if (admitted or expired) and {*admitted, *expired} != {call}:
                        self._changed.notify_all()
                    if call in model.ready or call in model.late:
                        break
                    self._changed.wait(None if wake is None else max(0.0, wake - now))
            except BaseException:
                model.limiter.leave(call)
                if call in model.ready:
                    model.ready.remove(call)
                    model.limiter.settle(self._clock(), call, 0)
                raise
            self._statistics.waited_seconds += self._clock() - since
            if call in model.late:
                model.late.remove(call)
                self._statistics.failures += 1
                zero = ", ".join(name for name in RATES if getattr(model.limits, name) == 0)
                if zero:
                    raise DeadlineExceeded(f"the quota is 0: {zero}; no call will ever be admitted")
                raise DeadlineExceeded(f"no room within {self._patience} s for a call that reserves its max_tokens")
            model.ready.remove(call)
            return call

    def _book_abandoned(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self._over(*self._abandoned.get_nowait(), usage=None)

    def _over(self, model, call, characters, usage):
        """Books a call that Bedrock let in and that is over. `usage` None: nobody knows it."""
        with self._changed:
            if usage is None:
                model.limiter.hold(call)
                self._statistics.failures += 1
            else:
                model.limiter.settle(self._clock(), call, model.limits.charge(usage))
                model.estimator.learn(characters, usage["input"] + usage["cache_write"] + usage["cache_read"])
                self._statistics.successes += 1
            self._changed.notify_all()

    def _count(self, **more):
        with self._changed:
            for name, value in more.items():
                setattr(self._statistics, name, getattr(self._statistics, name) + value)


class _Events:
    """The events of a stream. Its call is booked with the event that tells its usage, which is the last.

    A stream that ends, breaks, is closed or is dropped without it keeps its reservation: Bedrock has let the call in and
    may charge for all of it, and nobody knows what it cost.
    """

    def __init__(self, stream, over, abandoned):
        self._is_booked, self._over, self._abandoned = False, over, abandoned
        self._stream, self._events = stream, iter(stream)

    def __iter__(self):
        return self

    def __next__(self):
        try:
            event = next(self._events)
        except BaseException:
            self._book(None)
            raise
        if "metadata" in event:
            self._book(_converse_usage(event["metadata"].get("usage")))
        return event

    def close(self):
        """Nobody wants the rest."""
        self._book(None)
        self._events = iter(())
        self._stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if not self._is_booked:
            self._abandoned()

    def _book(self, usage):
        if not self._is_booked:
            self._is_booked = True
            self._over(usage)


def _clock():
    """Seconds since the epoch, since a day of quota is one of the wall clock; never set back."""
    began, since = time.time(), time.monotonic()
    return lambda: began + time.monotonic() - since


def _seconds(text):
    """A Retry-After in seconds; as a date it is left to the backoff."""
    try:
        return max(0.0, float(text))
    except (TypeError, ValueError):
        return None


def _asked(operation, request):
    """Characters of a request's texts, and its max_tokens (None: not set)."""
    if operation != "invoke_model":
        texts = {name: request.get(name) for name in ("messages", "system", "toolConfig")}
        return _characters(texts), (request.get("inferenceConfig") or {}).get("maxTokens")
    body = json.loads(request["body"])
    settings = {**body, **body.get("inferenceConfig", {}), **body.get("textGenerationConfig", {})}
    names = ("max_tokens", "maxTokens", "max_gen_len", "maxTokenCount", "max_completion_tokens", "max_new_tokens")
    given = [settings[name] for name in names if name in settings]
    # An embedding has no output.
    is_embedding = "embed" in request["modelId"]
    return _characters(body), given[0] if given else 0 if is_embedding else None


def _characters(value):
    """Of all texts in a value. Bytes, such as images, count as none: the estimator learns what they cost."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, (list, tuple)) else 0


def _converse_usage(usage):
    if not usage:
        return None
    return {
        "input": usage["inputTokens"],
        "output": usage["outputTokens"],
        "cache_read": usage.get("cacheReadInputTokens", 0),
        "cache_write": usage.get("cacheWriteInputTokens", 0),
    }


def _body_usage(body, headers):
    """Of an answer of InvokeModel: as its model's makers spell it, else as the headers tell."""
    try:
        usage = json.loads(body).get("usage") or {}
    except ValueError:
        usage = {}
    if "inputTokens" in usage:
        return _converse_usage(usage)
    if "input_tokens" in usage:
        return {
            "input": usage["input_tokens"],
            "output": usage["output_tokens"],
            "cache_read": usage.get("cache_read_input_tokens") or 0,
            "cache_write": usage.get("cache_creation_input_tokens") or 0,
        }
    told = [headers.get(f"x-amzn-bedrock-{which}-token-count") for which in ("input", "output")]
    if None in told:
        return None
    return {"input": int(told[0]), "output": int(told[1]), "cache_read": 0, "cache_write": 0}
