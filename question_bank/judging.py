"""What becomes of each item of a file: held against the bank piece by piece, and told line by line."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs
from core.database import fetch_all
from core.ids import AssetId, BlobId, ItemId
from core.moments import Moment
from question_bank.arrival_rows import Arrival, Known, find_known, find_same
from question_bank.arrivals import (
    Prepared,
    Ready,
    Refusal,
    Refused,
    Waiting,
    columns_of,
    original_of,
    prepare,
    redraw_all,
    rename_assets,
    with_columns,
)
from question_bank.asset_store import keep_asset, load_sizes
from question_bank.drafts import Defaults, draft_of, make_item
from question_bank.exchange.entries import KEY_FAULTS, Arriving, Place, Rejected, Remark
from question_bank.imports import Counts, Fate, Line, Wishes
from question_bank.items import Item, change_texts
from question_bank.markup import Size, set_sizes
from question_bank.requirement_store import list_requirements
from question_bank.store import load_items
from question_bank.version_store import next_item_id

MOST_ORIGINALS = 64 << 20
"""Bytes of rejected items that one batch keeps."""
MOST_ENEMIES = 200_000


def untold(unready: Mapping[str, str], remarks: Sequence[Remark]) -> list[str]:
    """Of the sentences by field, each once, those that a reader has not told: of a key it says more than we would."""
    if not unready:
        return []
    keys = [field for field in unready if field.endswith(".key")]
    keys_told = sum(remark.code in KEY_FAULTS for remark in remarks) >= len(keys)
    said = {remark.sentence for remark in remarks}
    return list(
        dict.fromkeys(
            sentence
            for field, sentence in unready.items()
            if sentence not in said and not (keys_told and field in keys)
        )
    )


class Judgement:
    """One file held against the bank. `blobs` None: nothing is kept, and nothing of the bank is locked."""

    def __init__(self, wishes: Wishes, blobs: Blobs | None, at: Moment) -> None:
        self._wishes, self._blobs, self._at = wishes, blobs, at
        self._defaults = wishes.defaults
        self._in_force: dict[tuple[str, str], bool] = {}
        self._digests: set[bytes] = set()
        self._homes: set[ItemId] = set()
        self._given: set[ItemId] = set()
        """Ids of the items that the file has made: none of them was in the bank before."""
        self._called: dict[str, ItemId] = {}
        """Items of the file under the names that it has for them, where those are not their ids."""
        self._enemies: list[tuple[Place, ItemId, str]] = []
        self._fates: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._remarks: Counter[str] = Counter()
        self._room = MOST_ORIGINALS
        self.blobs_put: list[BlobId] = []
        """Files that are to go should the transaction not commit."""
        self.arrivals: list[Arrival] = []
        self.lines: list[Line] = []
        self.originals: list[tuple[int, str, bytes]] = []

    async def open(self, connection: AsyncConnection) -> None:
        self._in_force = {
            (known.speciality, known.code): known.repealed_at is None for known in await list_requirements(connection)
        }

    @property
    def counts(self) -> Counts:
        return Counts(
            read=self._fates.total() - self._fates["pictures"],
            **self._fates,
            reasons=dict(sorted(self._reasons.items())),
            remarks=dict(sorted(self._remarks.items())),
        )

    def clear(self) -> None:
        """Forget what was written: arrivals, lines and originals of a piece."""
        self.arrivals, self.lines, self.originals = [], [], []

    async def judge(self, connection: AsyncConnection, piece: Sequence[Prepared]) -> None:
        """Decide about a piece: what is to be written stands in `arrivals`, `lines`, `originals` then."""
        piece, sizes = await self._bring_pictures(connection, piece)
        ready = [self._in_catalogue(entry) for entry in piece if isinstance(entry, Ready)]
        items = [entry.item.id for entry in ready if isinstance(entry, Ready)]
        known = await find_known(connection, items, lock=self._blobs is not None) if items else {}
        newest = await self._newest(connection, ready, known)
        sizes |= await load_sizes(
            connection,
            (asset for entry in ready if isinstance(entry, Ready) for asset in entry.assets if asset not in sizes),
        )
        dressed = with_columns([self._dress(entry, known, newest, sizes) for entry in ready], sized=True)
        digests = [entry.columns.digest for entry in dressed if isinstance(entry, Ready) and entry.columns is not None]
        same = await find_same(connection, digests) if digests else {}
        waiting = iter(dressed)
        for told in piece:
            entry = next(waiting) if isinstance(told, Ready) else told
            if isinstance(entry, Rejected):
                self._reject(entry)
            elif isinstance(entry, Refused):
                self._refuse(entry)
            elif isinstance(entry, Ready):
                await self._admit(connection, entry, known, newest, same)

    async def find_enemies(self, connection: AsyncConnection) -> list[tuple[ItemId, ItemId]]:
        """Pairs that the file declares, lesser id first; those with an item that is not there are told."""
        named = {self._called.get(name, ItemId(name)) for _, _, name in self._enemies}
        rows = await fetch_all(
            connection, "SELECT id FROM question_bank.item WHERE id = ANY(CAST(:ids AS text[]))", ids=sorted(named)
        )
        there = {ItemId(row["id"]) for row in rows} | self._homes
        pairs = set()
        for place, item, name in self._enemies:
            other = self._called.get(name, ItemId(name))
            if other in there and other != item:
                pairs.add((min(item, other), max(item, other)))
            elif other != item:
                self._remarks["enemy_unknown"] += 1
                sentence = f"Несовместимого задания «{name[:60]}» нет ни в файле, ни в банке."
                self.lines.append(Line(place, "new", "loss", "enemy_unknown", sentence, item=item))
        return sorted(pairs)

    async def _bring_pictures(
        self, connection: AsyncConnection, piece: Sequence[Prepared]
    ) -> tuple[list[Prepared], dict[AssetId, Size]]:
        """Items whose pictures are known by their ids; a picture that the bank has is that one."""
        pictures = {
            sha256(data).digest(): data
            for entry in piece
            if isinstance(entry, Waiting)
            for data in entry.arriving.pictures.values()
        }
        if not pictures:
            return list(piece), {}
        rows = await fetch_all(
            connection,
            "SELECT id, sha256, width, height FROM question_bank.asset WHERE sha256 = ANY(CAST(:digests AS bytea[]))",
            digests=list(pictures),
        )
        known = {bytes(row["sha256"]): AssetId(row["id"]) for row in rows}
        sizes: dict[AssetId, Size] = {AssetId(row["id"]): (row["width"], row["height"]) for row in rows}
        drawn = await asyncio.to_thread(
            redraw_all, {digest: data for digest, data in pictures.items() if digest not in known}
        )
        bad: dict[bytes, Refusal] = {}
        there = await load_sizes(connection, (made[0] for made in drawn.values() if not isinstance(made, Refusal)))
        for digest, made in drawn.items():
            if isinstance(made, Refusal):
                bad[digest] = made
                continue
            asset, picture = made
            known[digest], sizes[asset] = asset, (picture.width, picture.height)
            if asset not in there:
                there[asset] = sizes[asset]
                self._fates["pictures"] += 1
                if self._blobs is not None:
                    kept = await keep_asset(connection, self._blobs, asset, picture, self._at)
                    self.blobs_put.append(kept.blob)
        return await asyncio.to_thread(self._name_pictures, piece, known, bad), sizes

    def _name_pictures(
        self, piece: Sequence[Prepared], known: dict[bytes, AssetId], bad: dict[bytes, Refusal]
    ) -> list[Prepared]:
        done: list[Prepared] = []
        for entry in piece:
            if isinstance(entry, Waiting):
                digests = {name: sha256(data).digest() for name, data in entry.arriving.pictures.items()}
                refusal = next((bad[digest] for digest in digests.values() if digest in bad), None)
                if refusal is not None:
                    done.append(Refused(entry.arriving, refusal))
                    continue
                names = {name: known[digest] for name, digest in digests.items()}
                named = replace(entry.arriving, draft=rename_assets(entry.arriving.draft, names), pictures={})
                done.append(prepare(named, entry.item, 1, self._defaults))
            else:
                done.append(entry)
        return done

    def _in_catalogue(self, entry: Ready) -> Ready | Refused:
        item = entry.item
        if (item.speciality, item.requirement) in self._in_force:
            return entry
        defaults = self._defaults
        if self._wishes.unknown_requirement == "default" and (
            (defaults.speciality, defaults.requirement) in self._in_force
        ):
            told = Remark(
                "loss",
                "requirement_replaced",
                f"Требования {item.requirement} в специальности {item.speciality} нет: "
                f"задание отнесено к {defaults.requirement}.",
            )
            arriving = replace(entry.arriving, remarks=(*entry.arriving.remarks, told))
            return replace(
                entry,
                arriving=arriving,
                item=replace(item, speciality=defaults.speciality, requirement=defaults.requirement),
            )
        return Refused(
            entry.arriving,
            Refusal(
                "requirement_unknown",
                f"Требования {item.requirement[:100]} в специальности {item.speciality[:100]} нет. "
                "Добавьте его в перечень или исправьте код.",
            ),
        )

    async def _newest(
        self, connection: AsyncConnection, ready: Sequence[Ready | Refused], known: dict[ItemId, Known]
    ) -> dict[ItemId, Item]:
        """Of items that the file has and the bank too, the newest version."""
        wanted = [
            (entry.item.id, known[entry.item.id].latest)
            for entry in ready
            if isinstance(entry, Ready)
            and entry.item.id in known
            and entry.arriving.home == entry.item.id
            and entry.item.id not in self._given
        ]
        return {item: found for (item, _), found in (await load_items(connection, wanted)).items()} if wanted else {}

    def _dress(
        self,
        entry: Ready | Refused,
        known: dict[ItemId, Known],
        newest: dict[ItemId, Item],
        sizes: dict[AssetId, Size],
    ) -> Ready | Refused:
        """With the sizes of its pictures, and as the next version where the bank has the item."""
        if isinstance(entry, Refused):
            return entry
        missing = next((asset for asset in entry.assets if asset not in sizes), None)
        if missing is not None:
            return Refused(
                entry.arriving,
                Refusal("asset_unknown", f"Изображения «{missing}» нет ни в файле, ни в банке. Загрузите его."),
            )
        before = newest.get(entry.item.id)
        if before is not None:
            entry = self._as_next(entry, before)
        if not entry.assets:
            return entry
        item = change_texts(entry.item, lambda text: set_sizes(text, sizes))
        return replace(entry, item=item)

    def _as_next(self, entry: Ready, before: Item) -> Ready:
        """What the file does not say is as it was."""
        said = entry.arriving.draft
        old = draft_of(before)
        assert old.level is not None
        assert old.difficulty is not None
        assert old.limit is not None
        assert old.language is not None
        assert old.pool is not None
        kept = Defaults(
            entry.item.speciality if said.speciality else old.speciality,
            entry.item.requirement if said.requirement else old.requirement,
            old.level,
            old.difficulty,
            old.limit,
            old.language,
            old.pool,
        )
        draft = replace(said, speciality="", requirement="")
        again = prepare(replace(entry.arriving, draft=draft), entry.item.id, before.version + 1, kept)
        return replace(again, arriving=entry.arriving) if isinstance(again, Ready) else entry

    async def _admit(
        self,
        connection: AsyncConnection,
        entry: Ready,
        known: dict[ItemId, Known],
        newest: dict[ItemId, Item],
        same: dict[bytes, ItemId],
    ) -> None:
        item, columns = entry.item, entry.columns
        assert columns is not None
        before = newest.get(item.id)
        at_home = entry.arriving.home == item.id
        if at_home and item.id in self._homes:
            self._refuse(
                Refused(entry.arriving, Refusal("repeated", f"Задание «{item.id}» встречается в файле дважды."))
            )
            return
        fate: Fate
        if before is not None:
            standing = known[item.id]
            if standing.state == "withdrawn":
                sentence = f"Задание «{item.id}» отозвано и больше не меняется."
                self._refuse(Refused(entry.arriving, Refusal("item_withdrawn", sentence)))
                return
            if standing.pool != item.pool:
                sentence = f"Задание «{item.id}» нельзя перенести между тренировкой и экзаменом."
                self._refuse(Refused(entry.arriving, Refusal("pool_fixed", sentence)))
                return
            fate = "unchanged" if draft_of(item) == draft_of(before) else "changed"
        else:
            twin = same.get(columns.digest)
            if twin is not None or columns.digest in self._digests:
                self._count("duplicate")
                if twin is not None:
                    self._call(entry.arriving, twin)
                whose = "раньше в этом файле" if twin is None else f"в банке: {twin}"
                self._tell(
                    entry.arriving, twin or "", "duplicate", "note", "duplicate", f"Такое же задание есть {whose}."
                )
                return
            fate = "new"
            if self._blobs is not None:
                number = item.id
                # Somebody has published under a number of ours, or the file brings it for an item of its own.
                while number in known or number in self._given:
                    number = await next_item_id(connection)
                if number != item.id:
                    item = make_item(draft_of(item), number, 1)
                    (columns,) = columns_of([item])
                self._given.add(number)
        self._count(fate)
        self._digests.add(columns.digest)
        if at_home:
            self._homes.add(entry.item.id)
        self._call(entry.arriving, item.id)
        if fate != "unchanged":
            self.arrivals.append(Arrival(item, columns, not entry.unready))
            self._tell_all(entry, item, fate)
        else:
            self._tell(entry.arriving, item.id, fate, "note", "unchanged", "В банке есть это задание без отличий.")
        if len(self._enemies) < MOST_ENEMIES:
            self._enemies += [(entry.arriving.place, item.id, name) for name in entry.arriving.enemies]

    def _tell_all(self, entry: Ready, item: Item, fate: Fate) -> None:
        arriving = entry.arriving
        if fate == "changed":
            sentence = f"Отличается от версии {item.version - 1} в банке: станет версией {item.version}."
            self._tell(arriving, item.id, fate, "note", "changed", sentence)
        if not self._in_force[item.speciality, item.requirement]:
            sentence = f"Требование {item.requirement} отменено: задание не попадёт в наборы."
            self._tell(arriving, item.id, fate, "fault", "requirement_repealed", sentence)
        for remark in arriving.remarks:
            self._remark(arriving, item.id, fate, remark)
        for sentence in untold(entry.unready, arriving.remarks):
            self._tell(arriving, item.id, fate, "fault", "unready", sentence)

    def _call(self, arriving: Arriving, item: ItemId) -> None:
        for name in {arriving.home, arriving.identifier} - {"", item}:
            self._called.setdefault(name, item)

    def _count(self, fate: Fate) -> None:
        self._fates[fate] += 1

    def _remark(self, arriving: Arriving, item: ItemId, fate: Fate, remark: Remark) -> None:
        self._tell(arriving, item, fate, remark.weight, remark.code, remark.sentence)

    def _tell(self, arriving: Arriving, item: str, fate: Fate, weight: str, code: str, sentence: str) -> None:
        if fate not in ("duplicate", "unchanged") and code != "changed":
            self._remarks[code] += 1
        self.lines.append(Line(arriving.place, fate, weight, code, sentence, arriving.identifier, item))  # type: ignore[arg-type]

    def _reject(self, entry: Rejected) -> None:
        self._count("rejected")
        self._reasons[entry.code] += 1
        self.lines.append(Line(entry.place, "rejected", "rejection", entry.code, entry.sentence, entry.identifier))
        self._keep_original(entry.place.number, entry.media_type, entry.original)

    def _refuse(self, entry: Refused) -> None:
        arriving, refusal = entry.arriving, entry.refusal
        self._count("rejected")
        self._reasons[refusal.code] += 1
        self.lines.append(
            Line(arriving.place, "rejected", "rejection", refusal.code, refusal.sentence, arriving.identifier)
        )
        self._keep_original(arriving.place.number, "application/json", original_of(arriving))

    def _keep_original(self, place: int, media_type: str, original: bytes) -> None:
        if original and len(original) <= self._room:
            self._room -= len(original)
            self.originals.append((place, media_type, original))
