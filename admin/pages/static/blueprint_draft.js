// A blueprint as it is edited: tables of demand, and the way to and from what the server keeps. No page, no network.

export const LEVELS = ["recall", "application", "analysis"];
export const BANDS = ["hard", "medium", "easy"];
export const MOST = 500;
const MINUTE = 60_000;

let lastKey = 0;

/** The place of a cell in a table; "" takes any. */
export const placeOf = (requirement, level, band) => `${requirement ?? ""}\t${level ?? ""}\t${band ?? ""}`;

export function partsOf(place) {
  const [requirement, level, band] = place.split("\t");
  return { requirement, level, band };
}

export function newTable(kind, section = 0, weight = 1) {
  lastKey += 1;
  return { key: lastKey, kind, section, weight: String(weight), levels: false, bands: false, counts: {}, before: null };
}

/** What the page edits, from a blueprint as the server has it. */
export function open(blueprint) {
  const tables = [];
  for (const cell of blueprint.cells) {
    let table = tables.find(
      (one) => one.kind === cell.kind && one.section === cell.section && one.weight === String(cell.weight),
    );
    if (!table) {
      table = newTable(cell.kind, cell.section, cell.weight);
      tables.push(table);
    }
    const place = placeOf(cell.requirement, cell.level, cell.band);
    table.counts[place] = String(Number(table.counts[place] ?? 0) + cell.count);
    table.levels ||= cell.level !== null;
    table.bands ||= cell.band !== null;
  }
  for (const kind of ["four_option", "case"]) {
    if (!tables.some((one) => one.kind === kind)) {
      tables.push(newTable(kind));
    }
  }
  return {
    id: blueprint.id,
    version: blueprint.version,
    title: blueprint.title,
    speciality: blueprint.speciality,
    speciality_title: blueprint.speciality_title,
    tables,
    exam_limit: minutesOf(blueprint.exam_limit),
    navigation: blueprint.navigation,
    on_item_timeout: blueprint.on_item_timeout,
    flags: blueprint.flags,
    confirmation: blueprint.confirmation,
    cut: String(blueprint.cut),
    accreditation: blueprint.accreditation,
    practice: blueprint.practice,
    explanations: blueprint.explanations,
    sections: blueprint.sections.map((one) => ({ title: one.title, limit: minutesOf(one.limit) })),
    breaks: String(blueprint.breaks),
    break_limit: blueprint.breaks ? minutesOf(blueprint.break_limit) : "",
    pilots: String(blueprint.pilots),
    exposure_cap: blueprint.exposure_cap === null ? "" : decimal(Number((blueprint.exposure_cap * 100).toFixed(4))),
    minimum_information: blueprint.minimum_information === null ? "" : decimal(blueprint.minimum_information),
  };
}

const minutesOf = (span) => (span === null || span === undefined ? "" : decimal(span / MINUTE));
const decimal = (value) => String(value).replace(".", ",");

/** The blueprint that the server reads, and where each of its cells stands: { blueprint, places }. */
export function close(edited) {
  const cells = [];
  const places = [];
  const sections = edited.sections.map((one) => ({ title: one.title, limit: one.limit.trim() ? span(one.limit) : null }));
  for (const table of edited.tables) {
    for (const [place, text] of Object.entries(table.counts)) {
      const count = whole(text);
      if (count !== 0) {
        const { requirement, level, band } = partsOf(place);
        cells.push({
          requirement: requirement || null,
          kind: table.kind,
          count,
          weight: table.weight.trim() ? whole(table.weight) : -1,
          section: table.section,
          level: level || null,
          band: band || null,
        });
        places.push({ table: table.key, place });
      }
    }
  }
  const breaks = whole(edited.breaks);
  const blueprint = {
    id: edited.id.trim(),
    version: edited.version,
    title: edited.title,
    speciality: edited.speciality,
    speciality_title: edited.speciality_title,
    cells,
    exam_limit: span(edited.exam_limit),
    navigation: edited.navigation,
    on_item_timeout: edited.on_item_timeout,
    flags: edited.flags && edited.navigation === "free",
    confirmation: edited.confirmation,
    cut: whole(edited.cut),
    accreditation: edited.accreditation,
    practice: edited.practice,
    explanations: edited.practice ? edited.explanations : "none",
    sections,
    breaks,
    break_limit: breaks > 0 ? span(edited.break_limit) : 0,
    pilots: edited.practice ? 0 : whole(edited.pilots),
    exposure_cap: edited.exposure_cap.trim() ? number(edited.exposure_cap) / 100 : null,
    minimum_information: edited.minimum_information.trim() ? number(edited.minimum_information) : null,
  };
  return { blueprint, places };
}

/** A whole number as typed; "" is 0, and what is none is -1, which the server refuses by name. */
export function whole(text) {
  const plain = text.trim();
  return plain === "" ? 0 : /^\d{1,6}$/.test(plain) ? Number(plain) : -1;
}

function number(text) {
  const plain = text.trim().replace(",", ".");
  return /^\d{1,6}(\.\d{1,6})?$/.test(plain) ? Number(plain) : -1;
}

const span = (text) => (text.trim() ? Math.round(number(text) * MINUTE) : 0);

/** The columns of a table as [level, band]. */
export function columnsOf(table) {
  const levels = table.levels ? ["", ...LEVELS] : [""];
  const bands = table.bands ? ["", ...BANDS] : [""];
  return levels.flatMap((level) => bands.map((band) => [level, band]));
}

/** The table with another demand in one place; "" or 0 empties it. */
export function put(table, place, text) {
  const counts = { ...table.counts };
  if (text.trim() === "") {
    delete counts[place];
  } else {
    counts[place] = text;
  }
  return { ...table, counts };
}

/** The table with demand moved from one place into another one, as much of it as `count`. */
export function move(table, from, to, count) {
  const counts = { ...table.counts };
  delete counts[from];
  counts[to] = String(Math.max(0, whole(counts[to] ?? "")) + count);
  return { ...table, counts };
}

/** Switches "levels" or "bands". What stood in columns that go is added up, and can be had back from `before`. */
export function split(table, by, on) {
  if (on) {
    return { ...table, [by]: true, before: null };
  }
  const counts = {};
  let lost = false;
  for (const [place, text] of Object.entries(table.counts)) {
    const parts = partsOf(place);
    const wide = placeOf(parts.requirement, by === "levels" ? "" : parts.level, by === "bands" ? "" : parts.band);
    lost ||= wide !== place;
    counts[wide] = wide in counts ? String(Math.max(0, whole(counts[wide])) + Math.max(0, whole(text))) : text;
  }
  return { ...table, [by]: false, counts, before: lost ? table : null };
}

/** How many items there are for every place of a kind's tables, from the server's list of profiles. */
export function sumSupply(supply, kind) {
  const sums = new Map();
  for (const [requirement, its, level, band, count] of supply) {
    if (its !== kind) {
      continue;
    }
    for (const one of ["", requirement]) {
      for (const two of ["", level]) {
        for (const three of ["", band]) {
          const place = placeOf(one, two, three);
          sums.set(place, (sums.get(place) ?? 0) + count);
        }
      }
    }
  }
  return sums;
}

/** What was pasted, as rows of texts; null for a single value, which the browser puts in by itself. */
export function readPasted(text) {
  const rows = text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n").map((row) => row.split("\t"));
  return rows.length === 1 && rows[0].length === 1 ? null : rows;
}

/** A pasted text as a cell holds it; null for what is no demand. */
export function readCount(text) {
  const plain = text.trim();
  if (plain === "" || plain === "-" || plain === "–" || plain === "—") {
    return "";
  }
  const count = whole(plain);
  return count >= 0 && count <= MOST ? String(count) : null;
}

/** A cell's name for people. */
export function nameOf(kind, place, say) {
  const { requirement, level, band } = partsOf(place);
  const parts = [requirement || say("anyRequirement")];
  if (level) {
    parts.push(say(level).toLowerCase());
  }
  if (band) {
    parts.push(say(band));
  }
  return kind === "case" ? `${parts.join(", ")} (${say("case").toLowerCase()})` : parts.join(", ");
}
