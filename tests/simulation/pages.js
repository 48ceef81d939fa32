// Exam pages of many browsers in one context: the real queue.js and state.js, with disk, line, time and chance handed in.
//
// One door: reading a property with a text as its name does what the text says; "?" gives what came of it, once all
// promises have run. What exam.js joins (queue, link, state) is joined here the same way; the link itself is the simulation's.

const disks = new Map();
const pages = new Map();
let now = 0;
let told = [];
let timers = [];
let count = 0;

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function later(page, span, work) {
  const timer = { at: Math.max(now, now + span), order: count++, page, work };
  timers.push(timer);
  return () => {
    timers = timers.filter((one) => one !== timer);
  };
}

/** What a browser keeps for one sitting: outlives its pages; transactions commit one after the other. */
class Disk {
  constructor(name) {
    this.name = name;
    this.stream = null;
    this.seq = 0;
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
      told.push(["stored", this.page.id, disk.stream, entry.seq, edit]);
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
        told.push(["dropped", this.page.id, this.disk.stream, gone]);
      }
    });
  }

  raise(seq) {
    return this._transact(() => {
      this.disk.seq = Math.max(this.disk.seq, seq);
    });
  }

  erase() {
    return this._transact(() => {
      const { disk } = this;
      told.push(["dropped", this.page.id, disk.stream, [...disk.edits.keys()]]);
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
      disk.busy = Math.max(disk.busy, now + slow);
      const transaction = { page, work, resolve };
      disk.waiting.push(transaction);
      later(page, disk.busy - now, () => disk.commit(transaction));
    });
  }
}

class ExamPage {
  constructor(id, disk, stream, seed, laziness, slowness) {
    disk.stream ??= stream;
    this.id = id;
    this.disk = disk;
    this.stream = disk.stream;
    this.random = seeded(seed);
    this.laziness = laziness;
    this.slowness = slowness;
    this.closed = false;
    this.over = false;
    this.state = blank;
    /** What the server said beside what state.js keeps: halt, section, breaks, notices. */
    this.view = {};
    this.storage = new Storage(this, disk);
    this.queue = new Queue({
      storage: this.storage,
      now: () => now,
      later: (span, work) => later(this, span, work),
      random: this.random,
      told: {
        changed: () => {},
        acknowledged: (entries) => {
          this.state = entries.reduce(fold, this.state);
          this.finishUp();
        },
        refused: (entry, code) => {
          told.push(["refused", id, this.stream, entry.seq, code]);
          this.finishUp();
        },
      },
    });
    told.push(["opened", id, this.stream]);
    this.queue.load().then(() => told.push(["loaded", id]));
  }

  send(edit) {
    if (!this.closed) {
      told.push(["send", this.id, JSON.stringify(edit)]);
    }
  }

  hear(message) {
    this.state = receive(this.state, message);
    if (message.type === "snapshot" || message.type === "changed") {
      this.view = message;
    } else if (message.type === "notice") {
      this.view = { ...this.view, notices: [...(this.view.notices ?? []), message] };
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

  finishUp() {
    if (this.state.status === "ended" && !this.queue.pending.length && !this.over) {
      this.over = true;
      told.push(["over", this.id]);
      this.storage.erase();
    }
  }

  /** The tab is gone. What was on its way to the disk gets there from the first to some transaction, or not at all. */
  close() {
    this.closed = true;
    timers = timers.filter((one) => one.page !== this);
    const mine = this.disk.waiting.filter((one) => one.page === this);
    const kept = Math.floor(this.random() * (mine.length + 1));
    mine.slice(0, kept).forEach((one) => one.work());
    this.disk.waiting = this.disk.waiting.filter((one) => one.page !== this);
    pages.delete(this.id);
  }

  add(edit) {
    told.push(["made", this.id, edit.type]);
    this.queue.add(edit);
  }

  /** What the candidate does next, by what is on the screen. */
  work(random) {
    const { status, item, marks, moving, navigation } = look(this.state, this.queue.pending);
    if (status === "ready" && !moving) {
      this.add({ type: "start" });
    }
    if (status !== "running" || moving || this.stepAside(random, item)) {
      return;
    }
    if (!item || item.closed) {
      this.open(random, marks, navigation, item?.position ?? -1);
      return;
    }
    const { position, stage } = item;
    const chance = random();
    if (!item.answers[stage].length || chance < 0.15) {
      this.add({ type: "respond", position, stage, value: this.choose(random, item) });
    } else if (chance < 0.22) {
      this.add({ type: "flag", position, on: !marks[position].flagged });
    } else if (chance < 0.24) {
      this.add({ type: "respond", position, stage, value: [] });
    } else if (item.content.kind === "case") {
      this.add({ type: "lock", position, stage });
    } else {
      this.open(random, marks, navigation, position);
    }
  }

  /** The rarer things; true when that was all for now. */
  stepAside(random, item) {
    const { halt, section, breaks_left: breaks = 0, notices = [] } = this.view;
    const chance = random();
    if (notices.length && random() < 0.5) {
      this.add({ type: "read", notice: notices[0].id });
      this.view = { ...this.view, notices: notices.slice(1) };
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
    } else if (chance < 0.05 && breaks > 0) {
      this.add({ type: "take_break" });
    } else if (chance < 0.06 && section) {
      this.add({ type: "close_section", section: section.number });
    } else {
      return false;
    }
    return true;
  }

  choose(random, { content, answers, stage }) {
    const { kind, choices } = content.stages[stage];
    const id = choices[Math.floor(random() * choices.length)].id;
    return press(kind, kind === "choice" ? [] : answers[stage], id);
  }

  open(random, marks, navigation, from) {
    let next = neighbour(marks, from, 1);
    if (navigation === "free") {
      next ??= marks.findIndex((one, place) => !one.locked && !one.answered && place !== from);
      if (random() < 0.1) {
        next = Math.floor(random() * marks.length);
      }
    } else if (next === null && from === -1) {
      next = marks.findIndex((one) => !one.locked);
    }
    const { section } = this.view;
    if (section && !section.begun) {
      this.add({ type: "show", position: section.first });
    } else if (section && next >= section.first + section.items && random() < 0.8) {
      this.add({ type: "close_section", section: section.number });
    } else if (next !== null && next >= 0) {
      this.add({ type: "show", position: next });
    } else if (random() < 0.3) {
      this.add({ type: "submit" });
    }
  }
}

const deeds = {
  reset: () => {
    disks.clear();
    pages.clear();
    timers = [];
    told = [];
    count = 0;
  },
  open: (id, disk, ...rest) => {
    if (!disks.has(disk)) {
      disks.set(disk, new Disk(disk));
    }
    pages.set(id, new ExamPage(id, disks.get(disk), ...rest));
  },
  close: (id) => pages.get(id).close(),
  hear: (id, messages) => messages.forEach((one) => pages.get(id).hear(one)),
  down: (id) => pages.get(id).queue.shut(),
  work: (id, messages, seed) => {
    deeds.hear(id, messages);
    pages.get(id).work(seeded(seed));
  },
  submit: (id) => pages.get(id).add({ type: "submit" }),
  wipe: (disk) => disks.delete(disk),
  kept: (disk) => told.push(["kept", disk, [...(disks.get(disk)?.edits.keys() ?? [])]]),
  tick: () => {
    const due = timers.filter((one) => one.at <= now).sort((one, other) => one.at - other.at || one.order - other.order);
    timers = timers.filter((one) => one.at > now);
    due.forEach((one) => one.page.closed || one.work());
  },
};

function enter(text) {
  const [at, deed, ...rest] = JSON.parse(text);
  now = at;
  deeds[deed](...rest);
  return "";
}

function tell() {
  const answer = JSON.stringify([told, timers.reduce((least, one) => Math.min(least, one.at), Infinity)]);
  told = [];
  return answer;
}

new Proxy({}, { has: () => true, get: (_, text) => (text === "?" ? tell() : enter(text)) });
