// The answer queue: edits leave in order, one at a time, and are deleted only after their acknowledgement.
//
// Pure: storage, time and the line are handed in. One edit is under way at a time because the server may refuse
// one for now ("busy") and take the next: a lock that overtakes its answer would close a stage without it, and
// a number below the newest stored one is never decided again.
//
// storage: { add(edit) -> entry, all() -> entries by seq, drop(seqs), raise(seq) }, each a promise.
//          An entry is { seq, edit }; `add` numbers it above everything this browser has used.
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
      await this.storage.raise(seq);
      // Asked again for those that another tab of this browser had sent.
      await this._drop((await this.storage.all()).filter((entry) => entry.seq <= seq));
    });
  }

  /** The line is down. What was under way will be sent again under the same number. */
  shut() {
    const line = this._hangUp();
    return this._inTurn(async () => {
      if (line === this._line) {
        this._callOff();
        this.underWay = null;
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
    if (meant === this.underWay) {
      this._settle(FOR_NOW.has(code));
    }
    if (FOR_NOW.has(code)) {
      this._resting = true;
      this._again(this._pause());
      return this._turn;
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
    this._resting = false;
    this._failures = failed ? this._failures + 1 : 0;
  }

  async _pump() {
    if (this._send === null || this.underWay !== null || this._resting) {
      return;
    }
    // The storage is asked, not the memory: another tab of this browser may have added an edit.
    this._keep(await this.storage.all());
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
    this.underWay = first.seq;
    this._send({ ...first.edit, seq: first.seq });
    this._again(PATIENCE);
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
        this._resting = false;
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
