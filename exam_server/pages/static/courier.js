// The exam over requests, for where a proxy blocks WebSockets: one at a time, each brings an edit or asks for news.

const ASK_EVERY = 2_500;
const ANSWER_WITHIN = 12_000;
/** What a status means that asking again would not change. */
const FINAL = { 401: "signin", 403: "signin", 404: "absent", 409: "refused", 422: "unreadable" };

export class Courier {
  /**
   * told.message(message): what the server says; a snapshot comes when the page has to begin anew, else `changed`.
   * told.lost(): nothing was answered, or only that it is to be tried later; the courier rests then.
   * told.final(state, reason): asking again by itself would be wrong.
   */
  constructor({ path, stream, token, told }) {
    this.path = path;
    this.stream = stream;
    this.token = token;
    this.told = told;
    this.running = false;
    this._epoch = 0;
    this._waiting = [];
    this._asking = null;
    this._anew = true;
    this._next = 0;
    this._turn = 0;
    this._break = new AbortController();
  }

  /** Begin to ask. `epoch` of the newest snapshot; 0 takes the sitting over. */
  start(epoch) {
    this._epoch = epoch;
    this._anew = true;
    this._waiting = [];
    this.resume();
  }

  resume() {
    this.running = true;
    this._ask();
  }

  /** Ask no more for now; resolves when nothing is under way. */
  async pause() {
    this.running = false;
    clearTimeout(this._next);
    await this._asking;
  }

  stop() {
    this._turn += 1;
    this.running = false;
    this._waiting = [];
    clearTimeout(this._next);
    this._break.abort();
    this._break = new AbortController();
  }

  send(message) {
    this._waiting.push(message);
    if (this.running) {
      this._ask();
    }
  }

  _ask() {
    clearTimeout(this._next);
    this._asking ??= this._exchange(this._turn).finally(() => {
      this._asking = null;
      if (this.running) {
        this._next = setTimeout(() => this._ask(), this._waiting.length || this._anew ? 0 : ASK_EVERY);
      }
    });
  }

  async _exchange(turn) {
    // What the page begins anew with comes first: only then does it know what is to be sent.
    const edits = this._anew ? [] : this._waiting.splice(0);
    const sent = performance.now();
    const tooLong = setTimeout(() => this._break.abort(), ANSWER_WITHIN);
    let answer;
    let said;
    try {
      answer = await fetch(this.path, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": this.token },
        body: JSON.stringify({ stream: this.stream, epoch: this._epoch, edits: [...edits, { type: "ping", sent }] }),
        signal: this._break.signal,
      });
      said = await answer.json();
    } catch {
      said = null;
    } finally {
      clearTimeout(tooLong);
    }
    if (turn !== this._turn) {
      return;
    }
    const final = said !== null && FINAL[answer.status];
    if (final) {
      this.stop();
      this.told.final(final, said.code ?? "");
    } else if (said === null || !answer.ok) {
      this.stop();
      this.told.lost();
    } else {
      this._hear(said.messages);
    }
  }

  _hear(messages) {
    const turn = this._turn;
    for (const message of messages) {
      if (turn !== this._turn) {
        return;
      }
      if (message.type !== "snapshot") {
        this.told.message(message);
        continue;
      }
      this._epoch = message.epoch;
      this.told.message(this._anew ? message : { ...message, type: "changed" });
      this._anew = false;
    }
  }
}
