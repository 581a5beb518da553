"""What `make bench` prints: each figure with its target beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.bench.album import CHILDREN, Bill
from tests.bench.handling import POST, Handled
from tests.bench.imports import Cold
from tests.bench.loop import Race
from tests.bench.memory import MB, Growth
from tests.bench.paths import Cost, Duplicates
from tests.bench.scale import FEW, LOOKS, MANY
from tests.bench.scale import Cost as Cheap
from tests.bench.scanner import Took
from tests.bench.starting import Latencies
from tests.bench.watch import Scan

NAME_WIDTH = 46
SCAN_RATIO = 2.0
SCAN_GROWTH_MIB = 1
VALUE_WIDTH = 34


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `is_met` says whether it is within its target, None = it has none."""

    name: str
    value: str
    target: str = ""
    is_met: bool | None = None

    def print(self) -> None:
        """One line."""
        mark = {True: "ok", False: "OVER", None: ""}[self.is_met]
        target = f"target {self.target}" if self.target else ""
        print(f"  {self.name:{NAME_WIDTH}} {self.value:>{VALUE_WIDTH}}  {target:28} {mark}".rstrip(), flush=True)


def show(title: str, rows: Iterable[Row]) -> None:
    """A heading and its rows."""
    print(f"\n{title}", flush=True)
    for row in rows:
        row.print()


def at_most(name: str, value: float, limit: float, *, digits: int = 2) -> Row:
    """A figure with an upper bound, judged by as many digits as the bound has."""
    places = len(f"{limit:g}".partition(".")[2])
    return Row(name, f"{value:.{digits}f}", f"≤ {limit:g}", is_met=round(value, max(1, places)) <= limit)


def steps(bill: Bill) -> list[Row]:
    """C1, step by step over the whole album."""
    return [
        Row(
            line.step,
            f"{line.calls:3} calls {line.units.wru:4g} WRU {line.units.rru:5g} RRU",
            is_met=None,
            target="",
        )
        for line in bill.lines
    ]


def per_track(bill: Bill, *, has_limit: bool) -> list[Row]:
    """C1, per track, beside the budget; without a limit there is one call and one write less."""
    less, units = (0.0 if has_limit else 1.0), bill.units
    refused = sum(line.refused for line in bill.lines)
    data = units.dollars - 5 * units.puts - 0.4 * units.gets
    return [
        at_most("calls", bill.ours / CHILDREN, 8.3 - less),
        at_most("WRU", units.wru / CHILDREN, 15.5 - less),
        at_most("  queue table", bill.wru_of("queue") / CHILDREN, 8.7 - less),
        at_most("  catalog", bill.wru_of("catalog") / CHILDREN, 2.1),
        at_most("  history", bill.wru_of("history") / CHILDREN, 4.6),
        at_most("RRU", units.rru / CHILDREN, 2.2),
        at_most("PUT-class requests", units.puts / CHILDREN, 1),
        at_most("SQS requests billed", units.queue_requests / CHILDREN, 3.1),
        at_most("$/M tracks: DynamoDB, SQS, bus", data / CHILDREN, 12.8, digits=1),
        at_most("$/M tracks: with S3 PUT and Lambda", bill.with_lambda.dollars / CHILDREN, 28, digits=1),
        Row("refused writes in the album", str(refused)),
    ]


def duplicates(found: Iterable[Duplicates]) -> list[Row]:
    """C2."""
    return [
        Row(
            f"C2 each message ×{each.times}: each further one",
            f"{each.calls:g} call {each.rru:g} RRU {each.wru:g} WRU {each.puts} PUT {each.bytes_ratio:.2f}×",
            "1, 2, 0, 0, 1.00× bytes",
            is_met=each.is_free and each.calls <= 1 and each.rru <= 2,
        )
        for each in found
    ]


def operations(found: Iterable[Cost]) -> list[Row]:
    """C3 to C8."""
    return [
        Row(
            each.name,
            f"{each.calls:g} calls {each.wru:g} WRU {each.rru:g} RRU",
            each.target,
            is_met=each.is_met,
        )
        for each in found
    ]


def growths(found: Iterable[Growth]) -> list[Row]:
    """S2: growth of the resident memory, and the PUT-class requests of the file."""
    return [
        Row(
            f"S2 RSS growth, {each.name}",
            f"{each.growth_bytes / MB:.2f} MiB, {each.puts} PUT-class",
            f"≤ {each.most_bytes / MB:g} MiB",
            is_met=each.growth_bytes <= each.most_bytes,
        )
        for each in found
    ]


def ways(cpu: dict[str, float]) -> list[Row]:
    """S1: ratios of CPU per GB."""
    boto3 = cpu["boto3"]
    return [
        at_most("S1 CPU hashed stream / upload_fileobj", cpu["adapter"] / boto3, 0.5),
        at_most("S1 CPU bare stream / upload_fileobj", cpu["bare"] / boto3, 0.15),
        Row("   CPU s/GB hashed, bare, upload_fileobj", f"{cpu['adapter']:.2f}, {cpu['bare']:.2f}, {boto3:.2f}"),
    ]


def starts(found: Iterable[Cold]) -> list[Row]:
    """S3: CPU and modules of each cold start by those of bare boto3 with the same clients."""
    return [
        Row(
            f"S3 {each.name}: CPU ratio; modules",
            f"{each.cpu_ratio:.2f}; {len(each.handler.modules)} / {len(each.bare.modules)}",
            f"≤ 1.3{', no ' + ', '.join(each.unwanted) if each.unwanted else ''}",
            is_met=round(each.cpu_ratio, 2) <= 1.3 and not each.unwanted,
        )
        for each in found
    ]


def races(found: Iterable[Race]) -> list[Row]:
    """S5: ratios to the plain loop; absolute times beside them, for people."""
    rows = []
    for each in found:
        for workers, mine in ((1, each.one), (3, each.several)):
            name = f"S5 {each.name}, {workers} worker{'s' * (workers > 1)}"
            rows += [
                at_most(f"{name}: wall / plain loop", mine.wall_s / each.plain.wall_s, 1.0),
                at_most(f"{name}: CPU / plain loop", mine.cpu_s / each.plain.cpu_s, 0.8),
            ]
        seconds = [f"{time.wall_s:.2f}" for time in (each.plain, each.one, each.several)]
        rows.append(Row("   wall s: plain, 1 worker, 3 workers", ", ".join(seconds)))
    return rows


def scales(few: Mapping[str, Cheap], many: Mapping[str, Cheap]) -> list[Row]:
    """C7: calls and read units at both sizes, their ratio, and the bound where one is stated."""
    rows = []
    for look in LOOKS:
        less, more = few[look.name], many[look.name]
        bound = look.bound
        within = more == less if bound is None else more.calls <= bound.calls and more.rru <= bound.rru
        grown = f"×{more.calls / less.calls:.2f} ×{more.rru / less.rru:.2f}"
        value = f"{less.calls} {less.rru:g} | {more.calls} {more.rru:g} | {grown}"
        target = "×1" if bound is None else f"≤ {bound.calls}, {bound.rru:g}: {bound.why}"
        rows.append(Row(f"C7 {look.name}", value, target, is_met=within))
    return [Row(f"   calls and RRU at {FEW:,} | at {MANY:,}", "ratios"), *rows]


def handlers(posts: Handled, routes: Mapping[str, float]) -> list[Row]:
    """S4: ratios to one bare TransactWriteItems of the same run."""
    bare_s = routes[""]
    return [
        at_most(f"S4 {POST} / TransactWriteItems", posts.whole_s / posts.bare_s, 3.3),
        at_most("   of it outside boto3 and our adapters", routes[POST] / bare_s, 0.2),
        Row("   of it outside boto3", f"{posts.outside_s / posts.bare_s:.2f}"),
        Row("   its calls", ", ".join(posts.calls)),
        *(
            Row(f"   {name}", f"{took_s * 1000:.2f} ms  {took_s / bare_s:.2f}")
            for name, took_s in routes.items()
            if name
        ),
        Row("   one bare TransactWriteItems", f"{bare_s * 1000:.2f} ms"),
    ]


def latencies(found: Latencies) -> list[Row]:
    """S7."""
    p50, p99 = found.percentile(0.5), found.percentile(0.99)
    return [
        Row(f"S7 enqueue to start, p50 of {len(found.sorted_ms)}", f"{p50} ms"),
        at_most("S7 enqueue to start, p99, s", p99 / 1000, 1),
    ]


def scans(scan: Scan, memory: Iterable[Took]) -> list[Row]:
    """S6: the watchdog against a plain listing, its requests, and its memory."""
    lists, heads = scan.requests["list"], scan.requests["head"]
    rows = [
        Row(
            "S6 objects per CPU s / plain paginator loop",
            f"{scan.ratio:.2f} ({scan.watchdog.objects / scan.watchdog.cpu_s:,.0f}/s)",
            "≥ 2",
            is_met=scan.ratio >= SCAN_RATIO,
        ),
        Row("S6 LIST requests", str(lists), f"= {scan.fewest}", is_met=lists == scan.fewest),
        Row("S6 HEAD requests", str(heads), "= 0", is_met=heads == 0),
        Row("   queries of the catalog", str(scan.requests["query"])),
    ]
    for each in memory:
        name = f"S6 RSS growth, {each.objects:,} objects"
        rows.append(at_most(name, each.growth_bytes / MB, SCAN_GROWTH_MIB))
    return rows
