// Where the queue survives a closed page: IndexedDB, one record per edit. All tabs of a browser share it.

const NAME = "exam";
const VERSION = 1;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The storage of one sitting. Where the browser keeps nothing it works in memory, and `lasting` is false. */
export async function openStore(sitting) {
  try {
    const database = await openDatabase();
    const store = new IndexedStore(database, sitting);
    await store.begin();
    return store;
  } catch {
    return new MemoryStore(sitting);
  }
}

class IndexedStore {
  lasting = true;

  constructor(database, sitting) {
    this.database = database;
    this.sitting = sitting;
    this.stream = "";
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

  raise(seq) {
    return this._write((edits, sittings) => {
      const asked = sittings.get(this.sitting);
      asked.onsuccess = () => {
        const known = asked.result ?? { sitting: this.sitting, stream: this.stream, seq: 0 };
        if (known.seq < seq) {
          sittings.put({ ...known, seq });
        }
      };
      return {};
    });
  }

  /** The sitting is over and everything is acknowledged: leave nothing on a shared computer. */
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

class MemoryStore {
  lasting = false;

  constructor(sitting) {
    this.stream = keptStream(sitting);
    this.entries = new Map();
    this.seq = 0;
  }

  async add(edit) {
    const entry = { seq: ++this.seq, edit };
    this.entries.set(entry.seq, entry);
    return entry;
  }

  async all() {
    return [...this.entries.values()];
  }

  async drop(seqs) {
    seqs.forEach((seq) => this.entries.delete(seq));
  }

  async raise(seq) {
    this.seq = Math.max(this.seq, seq);
  }

  async erase() {
    this.entries.clear();
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
