// Exam pages of many browsers in one context: the real queue.js and state.js, with disk, line, time and chance handed in.
//
// Many days are simulated side by side, each with pages, disks and time of its own: what one is asked changes no other.
// One door: reading a property with a text as its name does what the text says, one thing for each of some days; "?"
// gives what came of it, once all promises have run. What exam.js joins (queue, link, state) is joined here the same way; the link itself is the simulation's.

class Day {
  constructor() {
    this.now = 0;
    this.disks = new Map();
    this.pages = new Map();
    this.told = [];
    this.timers = [];
    this.count = 0;
  }

  later(page, span, work) {
    const timer = { at: this.now + Math.max(0, span), order: this.count++, page, work };
    this.timers.push(timer);
    return () => this.keep((one) => one !== timer);
  }

  keep(isKept) {
    this.timers = this.timers.filter(isKept);
  }

  tell() {
    const { told } = this;
    this.told = [];
    return [told, this.timers.reduce((least, one) => Math.min(least, one.at), Infinity)];
  }
}

const days = new Map();
let asked = [];

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What a browser keeps for one sitting: outlives its pages; transactions commit one after the other. */
class Disk {
  constructor(name) {
    this.name = name;
    this.stream = null;
    this.seq = 0;
    this.tab = null;
    this.edits = new Map();
    this.waiting = [];
    this.busy = 0;
  }

  commit(transaction) {
    this.waiting = this.waiting.filter((one) => one !== transaction);
    transaction.resolve(transaction.work());
  }
}

/** One page's way to the disk: what queue.js asks for. A transaction takes `slow` ms, or commits at once. */
class Storage {
  constructor(page, disk) {
    this.page = page;
    this.disk = disk;
  }

  add(edit) {
    return this._transact(() => {
      const { disk } = this;
      const entry = { seq: disk.seq + 1, edit };
      disk.seq = entry.seq;
      disk.edits.set(entry.seq, entry);
      this.page.tell("stored", disk.stream, entry.seq, edit);
      return entry;
    });
  }

  all() {
    return this._transact(() => [...this.disk.edits.values()].sort((one, other) => one.seq - other.seq));
  }

  drop(seqs) {
    return this._transact(() => {
      const gone = seqs.filter((seq) => this.disk.edits.delete(seq));
      if (gone.length) {
        this.page.tell("dropped", this.disk.stream, gone);
      }
    });
  }

  renumber(seqs) {
    return this._transact(() => {
      const { disk, page } = this;
      const mine = disk.tab === page.id ? seqs.filter((seq) => disk.edits.has(seq)) : [];
      const moved = mine.map((seq) => [seq, (disk.seq += 1)]);
      for (const [seq, fresh] of moved) {
        disk.edits.set(fresh, { seq: fresh, edit: disk.edits.get(seq).edit });
        disk.edits.delete(seq);
      }
      page.tell("moved", disk.stream, moved);
    });
  }

  claim(seq) {
    return this._transact(() => {
      this.disk.seq = Math.max(this.disk.seq, seq);
      this.disk.tab = this.page.id;
    });
  }

  erase() {
    return this._transact(() => {
      const { disk } = this;
      this.page.tell("dropped", disk.stream, [...disk.edits.keys()]);
      disk.edits.clear();
      disk.stream = null;
      disk.seq = 0;
    });
  }

  _transact(work) {
    const { page, disk } = this;
    return new Promise((resolve) => {
      if (page.closed) {
        return;
      }
      const slow = page.random() < page.laziness ? Math.floor(page.random() * page.slowness) : 0;
      if (slow === 0 && !disk.waiting.length) {
        resolve(work());
        return;
      }
      const { day } = page;
      disk.busy = Math.max(disk.busy, day.now + slow);
      const transaction = { page, work, resolve };
      disk.waiting.push(transaction);
      day.later(page, disk.busy - day.now, () => disk.commit(transaction));
    });
  }
}

class ExamPage {
  constructor(day, id, disk, stream, seed, laziness, slowness) {
    disk.stream ??= stream;
    this.day = day;
    this.id = id;
    this.disk = disk;
    this.stream = disk.stream;
    this.random = seeded(seed);
    this.laziness = laziness;
    this.slowness = slowness;
    this.closed = false;
    this.over = false;
    this.state = blank;
    this.storage = new Storage(this, disk);
    this.queue = new Queue({
      storage: this.storage,
      now: () => day.now,
      later: (span, work) => day.later(this, span, work),
      random: this.random,
      told: {
        changed: () => {},
        acknowledged: (entries) => {
          this.state = entries.reduce(fold, this.state);
          this.finishUp();
        },
        refused: (entry, code) => {
          this.tell("refused", this.stream, entry.seq, code);
          this.finishUp();
        },
      },
    });
    this.tell("opened", this.stream);
    this.queue.load().then(() => this.tell("loaded"));
  }

  tell(what, ...more) {
    this.day.told.push([what, this.id, ...more]);
  }

  send(edit) {
    if (!this.closed) {
      this.tell("send", JSON.stringify(edit));
    }
  }

  hear(message) {
    const before = this.state;
    this.state = receive(before, message);
    if (before.halt && !this.state.halt) {
      this.queue.hurry();
    }
    switch (message.type) {
      case "snapshot":
        this.queue.open((edit) => this.send(edit), message.seq);
        break;
      case "ack":
        this.queue.acknowledge(message.seq);
        break;
      case "refused":
        this.queue.refuse(message.seq ?? null, message.code, message.message);
        break;
    }
    if (this.state.status === "ended") {
      this.finishUp();
    }
  }

  async finishUp() {
    const { queue, state } = this;
    if (state.status === "ended" && !queue.pending.length && (await queue.isEmpty()) && !this.over) {
      this.over = true;
      this.tell("over");
      this.storage.erase();
    }
  }

  /** The tab is gone. What was on its way to the disk gets there from the first to some transaction, or not at all. */
  close() {
    this.closed = true;
    this.day.keep((one) => one.page !== this);
    const mine = this.disk.waiting.filter((one) => one.page === this);
    const kept = Math.floor(this.random() * (mine.length + 1));
    mine.slice(0, kept).forEach((one) => one.work());
    this.disk.waiting = this.disk.waiting.filter((one) => one.page !== this);
    this.day.pages.delete(this.id);
  }

  add(edit) {
    this.tell("made", edit.type);
    this.queue.add(edit);
  }

  /** What the candidate does next, by what is on the screen. */
  work(random) {
    const view = look(this.state, this.queue.pending);
    const { status, item, marks, moving, halt } = view;
    if (status === "ready" && !moving) {
      this.add({ type: "start" });
    }
    if (halt && !halt.until && !view.help && this.queue.pending.length) {
      this.add({ type: "help", text: "" }); // what the pause puts off must not be in its way
      return;
    }
    if (status !== "running" || moving || this.stepAside(random, view)) {
      return;
    }
    if (!item || item.closed) {
      this.open(random, view, item?.position ?? -1);
      return;
    }
    const { position, stage } = item;
    const chance = random();
    if (!item.answers[stage].length || chance < 0.15) {
      this.respond(position, stage, this.choose(random, item));
    } else if (chance < 0.22) {
      this.add({ type: "flag", position, on: !marks[position].flagged });
    } else if (chance < 0.24) {
      this.respond(position, stage, []);
    } else if (item.content.kind === "case") {
      this.add({ type: "lock", position, stage });
    } else {
      this.open(random, view, position);
    }
  }

  /** The rarer things; true when that was all for now. */
  stepAside(random, { item, halt, section, breaksLeft, unread }) {
    const chance = random();
    if (unread.length && random() < 0.5) {
      this.add({ type: "read", notice: unread[0].id });
      return true;
    }
    if (halt) {
      if (halt.until && chance < 0.3) {
        this.add({ type: "end_break" });
      }
      return chance < 0.95;
    }
    if (chance < 0.015) {
      this.add({ type: "help", text: chance < 0.007 ? "help me" : "" });
    } else if (chance < 0.03 && item) {
      this.add({ type: "remark", position: item.position, text: "this seems wrong" });
    } else if (chance < 0.05 && breaksLeft > 0) {
      this.add({ type: "take_break" });
    } else if (chance < 0.06 && section) {
      this.add({ type: "close_section", section: section.number });
    } else {
      return false;
    }
    return true;
  }

  respond(position, stage, value) {
    this.add({ type: "respond", position, stage, value, epoch: this.state.epoch });
  }

  choose(random, { content, answers, stage }) {
    const { kind, choices } = content.stages[stage];
    const id = choices[Math.floor(random() * choices.length)].id;
    return press(kind, kind === "choice" ? [] : answers[stage], id);
  }

  open(random, view, from) {
    const { marks, section } = view;
    if (isBetween(view)) {
      this.add({ type: "show", position: entryOf(view) ?? section.first });
      return;
    }
    let next = from < bounds(view)[0] ? entryOf(view) : neighbour(view, from, 1);
    if (view.navigation === "free") {
      next ??= marks.findIndex((one, place) => !one.locked && !one.answered && place !== from);
      if (random() < 0.1) {
        next = Math.floor(random() * marks.length);
      }
    }
    if (next !== null && next >= 0) {
      this.add({ type: "show", position: next });
    } else if (hasNextSection(view)) {
      this.add({ type: "close_section", section: section.number });
    } else if (random() < 0.3) {
      this.add({ type: "submit" });
    }
  }
}

const deeds = {
  open: (day, id, name, ...rest) => {
    if (!day.disks.has(name)) {
      day.disks.set(name, new Disk(name));
    }
    day.pages.set(id, new ExamPage(day, id, day.disks.get(name), ...rest));
  },
  close: (day, id) => day.pages.get(id).close(),
  hear: (day, id, messages) => messages.forEach((one) => day.pages.get(id).hear(one)),
  down: (day, id) => day.pages.get(id).queue.shut(),
  work: (day, id, messages, seed) => {
    deeds.hear(day, id, messages);
    day.pages.get(id).work(seeded(seed));
  },
  add: (day, id, edit) => day.pages.get(id).add(edit),
  wipe: (day, name) => day.disks.delete(name),
  kept: (day, name) => day.told.push(["kept", name, [...(day.disks.get(name)?.edits.keys() ?? [])]]),
  tick: (day) => {
    const due = day.timers.filter((one) => one.at <= day.now);
    day.keep((one) => one.at > day.now);
    due.sort((one, other) => one.at - other.at || one.order - other.order);
    due.forEach((one) => one.page.closed || one.work());
  },
};

function enter(text) {
  asked = JSON.parse(text).map(([number, now, deed, ...rest]) => {
    const day = days.get(number) ?? new Day();
    days.set(number, day);
    if (deed === "end") {
      days.delete(number);
    } else {
      day.now = now;
      deeds[deed](day, ...rest);
    }
    return day;
  });
  return "";
}

const tell = () => JSON.stringify(asked.map((day) => day.tell()));

new Proxy({}, { has: () => true, get: (_, text) => (text === "?" ? tell() : enter(text)) });
