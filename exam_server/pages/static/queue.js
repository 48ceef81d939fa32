// The answer queue: edits leave in order, one at a time, and are deleted only after their acknowledgement.
//
// Pure: storage, time and the line are handed in. One edit is under way at a time because the server may refuse
// one for now ("busy") and take the next: a lock that overtakes its answer would close a stage without it, and
// a number below the newest stored one is never decided again.
//
// What a pause keeps back must not keep back a call for help. Only numbers that go up are heard, so what was put off is
// numbered anew, above all others: not before the server has refused every copy of it that went over this line. Else a
// copy could still be taken, and the edit would be done twice. (What went over an earlier line is over: a new connection
// ends it, and its snapshot says what was taken.)
//
// storage: { add(edit) -> entry, all() -> entries by seq, drop(seqs), claim(seq), renumber(seqs) }, each a promise.
//          An entry is { seq, edit }; `add` numbers it above everything this browser has used, which after `claim` is
//          at least `seq`. `renumber` does so anew for those entries, in their order: all of them at once, or none
//          where another tab has claimed the storage since.
// now():   milliseconds, only differences count.
// later(ms, work): runs work once, returns a function that calls it off.
// told:    { changed(), acknowledged(entries), refused(entry, code, message) }

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const PATIENCE = 15_000;
/** The server closes a connection that says more than 20 messages a second for long; a held key can. */
const RATE = 15 / 1000;
const BURST = 30;
/** Refusals that mean "not now": the edit stays and is sent again. */
const FOR_NOW = new Set(["busy", "internal", "flood", "paused"]);
/** What is taken while the proctor's pause puts off everything else. */
const PASSING = new Set(["help", "read"]);

export class Queue {
  constructor({ storage, now, later, told, random = Math.random }) {
    this.storage = storage;
    this.now = now;
    this.later = later;
    this.told = told;
    this.random = random;
    /** Stored and not acknowledged, oldest first. */
    this.entries = [];
    /** Given but not stored yet: a matter of milliseconds. */
    this.drafts = [];
    this.underWay = null;
    this.waitingSince = null;
    /** The newest number known to be durable, and numbers that were refused for good. */
    this.confirmed = 0;
    this.refused = new Set();
    this._send = null;
    this._line = 0;
    this._failures = 0;
    this._resting = false;
    /** How often each number went over this line without an answer so far. */
    this._copies = new Map();
    /** The first edit is put off by a pause, and no copy of it is on its way. */
    this._halted = false;
    /** The newest number that a pause put off and that has been given to nothing since: the server waits for it else. */
    this._instead = 0;
    this._allowed = BURST;
    this._allowedAt = now();
    this._callOff = () => {};
    this._turn = Promise.resolve();
  }

  /** Everything the server has not confirmed, oldest first; a draft has seq null. */
  get pending() {
    return [...this.entries, ...this.drafts];
  }

  /** How long nothing has been confirmed although something waits, ms. */
  get waited() {
    return this.waitingSince === null ? 0 : this.now() - this.waitingSince;
  }

  /** Read what an earlier page of this browser left behind. */
  load() {
    return this._inTurn(async () => this._keep(await this.storage.all()));
  }

  /** Whether nothing is left, of what another tab of this browser added either; what is found is sent. */
  async isEmpty() {
    await this._inTurn(async () => {
      this._keep(await this.storage.all());
      await this._pump();
    });
    return !this.pending.length;
  }

  /** Store an edit, then send it when its turn comes. `edit` has everything but the seq. */
  add(edit) {
    const draft = { seq: null, edit };
    this.drafts.push(draft);
    this._watch();
    this.told.changed();
    return this._inTurn(async () => {
      const entry = await this.storage.add(edit);
      this.drafts.splice(this.drafts.indexOf(draft), 1);
      this._keep([...this.entries, entry]);
      await this._pump();
      return entry;
    });
  }

  /** The line is up; the server has stored everything of this browser up to `seq`. */
  open(send, seq) {
    const line = this._hangUp();
    this._confirm(seq);
    this.waitingSince = this.pending.length ? this.now() : null;
    this.told.changed();
    return this._inTurn(async () => {
      if (line === this._line) {
        this._settle();
        this._send = send;
      }
      await this.storage.claim(seq);
      // Asked again for those that another tab of this browser had sent.
      await this._drop((await this.storage.all()).filter((entry) => entry.seq <= seq));
    });
  }

  /** The line is down, and nothing that went over it is taken any more. What was under way will be sent again. */
  shut() {
    const line = this._hangUp();
    this._copies.clear();
    this._instead = 0;
    return this._inTurn(async () => {
      if (line === this._line) {
        this._callOff();
        this.underWay = null;
        this._halted = false;
      }
    });
  }

  /** What kept an edit back is over: try again at once. */
  hurry() {
    if (this._resting && this.underWay === null) {
      this._again(0);
    }
  }

  /** Every edit up to `seq` is durable. What is told of it is told before this returns. */
  acknowledge(seq) {
    if (this.underWay !== null && this.underWay <= seq) {
      this._settle();
    }
    const gone = this._confirm(seq);
    this.told.acknowledged(gone);
    this.told.changed();
    return this._inTurn(() => this._drop(gone));
  }

  /** A message had no effect. `seq` null: the server could not read it. */
  refuse(seq, code, message) {
    const meant = seq ?? (code === "flood" ? null : this.underWay);
    const entry = this.entries.find((one) => one.seq === meant);
    if (entry === undefined) {
      return this._turn;
    }
    this._copies.set(meant, Math.max(0, (this._copies.get(meant) ?? 0) - 1));
    if (meant === this.underWay) {
      this._settle(FOR_NOW.has(code));
    }
    if (FOR_NOW.has(code)) {
      this._resting = true;
      this._again(this._pause());
      this._halted = code === "paused" && this._copies.get(meant) === 0;
      return this._halted ? this._inTurn(() => this._pump()) : this._turn;
    }
    this.refused.add(meant);
    this._leaveOut((one) => one.seq === meant);
    this.told.refused(entry, code, message);
    this.told.changed();
    return this._inTurn(() => this._drop([entry]));
  }

  /** From now on nothing goes over the line there was; returns the number of the next one. */
  _hangUp() {
    this._send = null;
    this._line += 1;
    return this._line;
  }

  _settle(failed = false) {
    this._callOff();
    this.underWay = null;
    this._resting = this._halted = false;
    this._failures = failed ? this._failures + 1 : 0;
  }

  async _pump() {
    if (this._send === null || this.underWay !== null || (this._resting && !this._halted)) {
      return;
    }
    // The storage is asked, not the memory: another tab of this browser may have added an edit.
    this._keep(await this.storage.all());
    if (this._halted && !(await this._letPass())) {
      return;
    }
    const first = this.entries[0];
    if (first === undefined || this._send === null || this.underWay !== null) {
      return;
    }
    const pause = this._takeTurn();
    if (pause > 0) {
      this._resting = true;
      this._again(pause);
      return;
    }
    this._callOff();
    this._halted = false;
    this.underWay = first.seq;
    this._copies.set(first.seq, (this._copies.get(first.seq) ?? 0) + 1);
    const instead = PASSING.has(first.edit.type) && this._instead > 0 ? { instead: this._instead } : {};
    this._send({ ...first.edit, seq: first.seq, ...instead });
    this._again(PATIENCE);
  }

  /** While a pause lasts: put what it lets pass first, by numbering the rest anew. Whether something may go now. */
  async _letPass() {
    const passes = ({ edit }) => PASSING.has(edit.type);
    if (this.entries.some(passes) && !passes(this.entries[0])) {
      const { seq } = this.entries[0];
      await this.storage.renumber(this.entries.filter((one) => !passes(one)).map((one) => one.seq));
      this._keep(await this.storage.all());
      this._instead = this.entries[0]?.seq === seq ? this._instead : seq;
    }
    return this.entries.length > 0 && passes(this.entries[0]);
  }

  /** 0 when a message may go now, else how long to wait, ms. */
  _takeTurn() {
    const now = this.now();
    this._allowed = Math.min(BURST, this._allowed + (now - this._allowedAt) * RATE);
    this._allowedAt = now;
    if (this._allowed < 1) {
      return Math.ceil((1 - this._allowed) / RATE);
    }
    this._allowed -= 1;
    return 0;
  }

  _again(pause) {
    this._callOff();
    this._callOff = this.later(pause, () =>
      this._inTurn(async () => {
        this.underWay = null;
        this._resting = this._halted = false;
        await this._pump();
      }),
    );
  }

  _pause() {
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.max(0, this._failures - 1));
    return most / 2 + (this.random() * most) / 2;
  }

  _confirm(seq) {
    this.confirmed = Math.max(this.confirmed, seq);
    for (const old of [...this._copies.keys()].filter((one) => one <= seq)) {
      this._copies.delete(old);
    }
    return this._leaveOut((entry) => entry.seq <= seq);
  }

  _leaveOut(isGone) {
    const gone = this.entries.filter(isGone);
    this.entries = this.entries.filter((entry) => !isGone(entry));
    this.waitingSince = null;
    this._watch();
    return gone;
  }

  async _drop(gone) {
    if (gone.length) {
      await this.storage.drop(gone.map((entry) => entry.seq));
    }
    await this._pump();
  }

  _keep(entries) {
    this.entries = entries
      .filter((entry) => entry.seq > this.confirmed && !this.refused.has(entry.seq))
      .sort((one, other) => one.seq - other.seq);
    this._watch();
    this.told.changed();
  }

  _watch() {
    if (!this.pending.length) {
      this.waitingSince = null;
    } else {
      this.waitingSince ??= this.now();
    }
  }

  _inTurn(work) {
    const done = this._turn.then(work);
    this._turn = done.catch(() => {});
    return done;
  }
}
