for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const words = column < Number(table.dataset.left);
    const value = (row) => {
      const cell = row.cells[column];
      if (words) return cell.textContent.trim();
      const order = cell.dataset.order;
      return order === "inf" ? Infinity : parseFloat(order ?? cell.textContent);
    };
    const missing = (v) => v === "" || Number.isNaN(v);
    const compare = (a, b) => words ? a.localeCompare(b, "en", { numeric: true }) : (a < b ? -1 : a > b ? 1 : 0);
    const rows = [...body.rows].map((row) => [value(row), row]);
    // What is missing stays last, whichever way the rest runs.
    rows.sort(([a], [b]) => missing(a) || missing(b) ? missing(a) - missing(b) : (down ? -1 : 1) * compare(a, b));
    body.append(...rows.map(([, row]) => row));
  }));
}

const filters = document.getElementById("filters");
if (filters) {
  filters.hidden = false;
  const rows = [...document.querySelector("table.sortable").tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
  const [search, ...selects] = filters.querySelectorAll("input, select");
  const count = document.getElementById("count");
  const tied = [...document.querySelectorAll(".study figure [data-series]")].map((e) => [e, e.dataset.series.split(" ")]);
  const apply = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((s) => s.value !== "");
    const series = new Set();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(wanted.every((s) => row.cells[Number(s.dataset.column)].textContent.trim() === s.value)
        && terms.every((term) => texts.get(row).includes(term)));
      if (!row.hidden) { shown += 1; series.add(row.dataset.series); }
    }
    for (const [element, own] of tied) element.classList.toggle("out", !own.some((i) => series.has(i)));
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    filters.classList.toggle("filtering", terms.length + wanted.length > 0);
  };
  for (const event of ["input", "change"]) filters.addEventListener(event, apply);
  filters.addEventListener("reset", () => setTimeout(apply));
  filters.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
