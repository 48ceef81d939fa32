// Where the queue survives a closed page: IndexedDB, one record per edit. All tabs of a browser share it.

const NAME = "exam";
const VERSION = 1;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The storage of one sitting. Where the browser keeps nothing it works in memory, and `lasting` is false. */
export async function openStore(sitting) {
  try {
    const indexed = new IndexedStore(await openDatabase(), sitting);
    await indexed.begin();
    return new Store(indexed, indexed.stream);
  } catch {
    return new Store(null, keptStream(sitting));
  }
}

/** IndexedDB while it works; whatever it refuses (a full disk, an evicted database) is kept in memory. */
class Store {
  constructor(indexed, stream) {
    this.indexed = indexed;
    this.stream = stream;
    this.memory = new Map();
    this.seq = 0;
    this.lasting = indexed !== null;
  }

  async add(edit) {
    const entry = (await this._try((indexed) => indexed.add(edit))) ?? { seq: this.seq + 1, edit };
    this.seq = entry.seq;
    if (!this.lasting) {
      this.memory.set(entry.seq, entry);
    }
    return entry;
  }

  async all() {
    const kept = (await this._try((indexed) => indexed.all())) ?? [];
    this.seq = Math.max(this.seq, ...kept.map((entry) => entry.seq));
    return [...kept, ...this.memory.values()];
  }

  async drop(seqs) {
    seqs.forEach((seq) => this.memory.delete(seq));
    await this._try((indexed) => indexed.drop(seqs));
  }

  /** This tab has the line now. Numbers go on above `seq`, which the server has. */
  async claim(seq) {
    this.seq = Math.max(this.seq, seq);
    await this._try((indexed) => indexed.claim(seq));
  }

  /** Number these anew, above all others and in their order, unless another tab has the line. */
  async renumber(seqs) {
    await this._try((indexed) => indexed.renumber(seqs));
    const moved = seqs.filter((seq) => this.memory.has(seq)).map((seq) => this.memory.get(seq));
    for (const { seq, edit } of moved) {
      this.memory.delete(seq);
      this.seq += 1;
      this.memory.set(this.seq, { seq: this.seq, edit });
    }
  }

  /** The sitting is over and everything is acknowledged: leave nothing on a shared computer. */
  async erase() {
    this.memory.clear();
    await this._try((indexed) => indexed.erase());
  }

  async _try(work) {
    if (!this.lasting) {
      return undefined;
    }
    try {
      return await work(this.indexed);
    } catch {
      this.lasting = false;
      return undefined;
    }
  }
}

class IndexedStore {
  constructor(database, sitting) {
    this.database = database;
    this.sitting = sitting;
    this.stream = "";
    this.tab = drawStream();
  }

  /** One stream of numbers per browser and sitting: the first tab draws its name. */
  async begin() {
    this.stream = await this._write((edits, sittings) => {
      const asked = sittings.get(this.sitting);
      const answer = {};
      asked.onsuccess = () => {
        const known = asked.result ?? { sitting: this.sitting, stream: drawStream(), seq: 0 };
        answer.value = known.stream;
        sittings.put(known);
      };
      return answer;
    });
  }

  /** Number and write in one transaction: two tabs never draw the same number. */
  add(edit) {
    return this._write((edits, sittings) => {
      const asked = sittings.get(this.sitting);
      const answer = {};
      asked.onsuccess = () => {
        const known = asked.result ?? { sitting: this.sitting, stream: this.stream, seq: 0 };
        const entry = { seq: known.seq + 1, edit };
        answer.value = entry;
        sittings.put({ ...known, seq: entry.seq });
        edits.put({ sitting: this.sitting, ...entry });
      };
      return answer;
    });
  }

  all() {
    return this._write((edits) => {
      const answer = {};
      const asked = edits.getAll(this._range());
      asked.onsuccess = () => {
        answer.value = asked.result.map(({ seq, edit }) => ({ seq, edit }));
      };
      return answer;
    }, "readonly");
  }

  drop(seqs) {
    return this._write((edits) => {
      for (const seq of seqs) {
        edits.delete([this.sitting, seq]);
      }
      return {};
    });
  }

  /** In one transaction: whatever happens, each edit is there once. */
  renumber(seqs) {
    return this._write((edits, sittings) => {
      const asked = sittings.get(this.sitting);
      asked.onsuccess = () => {
        const known = asked.result;
        if (known?.tab !== this.tab) {
          return;
        }
        const found = edits.getAll(this._range());
        found.onsuccess = () => {
          const moved = found.result.filter((one) => seqs.includes(one.seq));
          moved.forEach((one, place) => {
            edits.delete([this.sitting, one.seq]);
            edits.put({ ...one, seq: known.seq + place + 1 });
          });
          sittings.put({ ...known, seq: known.seq + moved.length });
        };
      };
      return {};
    });
  }

  claim(seq) {
    return this._write((edits, sittings) => {
      const asked = sittings.get(this.sitting);
      asked.onsuccess = () => {
        const known = asked.result ?? { sitting: this.sitting, stream: this.stream, seq: 0 };
        sittings.put({ ...known, seq: Math.max(known.seq, seq), tab: this.tab });
      };
      return {};
    });
  }

  erase() {
    return this._write((edits, sittings) => {
      edits.delete(this._range());
      sittings.delete(this.sitting);
      return {};
    });
  }

  _range() {
    return IDBKeyRange.bound([this.sitting, 0], [this.sitting, Number.MAX_SAFE_INTEGER]);
  }

  _write(work, mode = "readwrite") {
    return new Promise((resolve, reject) => {
      // "strict": an answer given without connection must outlive a power cut too.
      const transaction = this.database.transaction(["edits", "sittings"], mode, { durability: "strict" });
      const answer = work(transaction.objectStore("edits"), transaction.objectStore("sittings"));
      transaction.oncomplete = () => resolve(answer.value);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("edits", { keyPath: ["sitting", "seq"] });
      asked.result.createObjectStore("sittings", { keyPath: "sitting" });
    };
    asked.onsuccess = () => {
      const database = asked.result;
      database.onversionchange = () => database.close();
      resolve(database);
    };
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("blocked"));
  });
}

function drawStream() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}

function keptStream(sitting) {
  const name = `stream-${sitting}`;
  try {
    const kept = sessionStorage.getItem(name) ?? drawStream();
    sessionStorage.setItem(name, kept);
    return kept;
  } catch {
    return drawStream();
  }
}

/** Whether this browser really keeps data: write, read back, delete. */
export async function tryStorage() {
  try {
    const database = await openDatabase();
    const store = new IndexedStore(database, -1);
    await store.begin();
    const entry = await store.add({ type: "check" });
    const kept = (await store.all()).some((one) => one.seq === entry.seq);
    await store.erase();
    database.close();
    return kept;
  } catch {
    return false;
  }
}
