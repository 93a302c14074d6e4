(() => {
  "use strict";

  // ---- tables: a click on a heading sorts, a second one turns the order round ----
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value;
    return value === undefined ? cell.textContent.trim() : value === "" ? NaN : Number(value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      // what is missing stands last, whichever way the column is sorted
      return a - b;
    }
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  };
  const sortBy = (heading) => {
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const descending = heading.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
    const missing = rows.filter((item) => Number.isNaN(item.key));
    const known = rows.filter((item) => !Number.isNaN(item.key));
    known.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
    body.append(...[...known, ...missing].map((item) => item.row));
    for (const other of heading.parentElement.cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  };
  for (const button of document.querySelectorAll("table.data thead button")) {
    button.addEventListener("click", () => sortBy(button.closest("th")));
  }

  // ---- overlays: a thumbnail opens large, Esc closes, arrows go on ----
  const box = document.getElementById("lightbox");
  const stage = box.querySelector(".stage");
  const picture = document.getElementById("lightbox-image");
  const thumbs = [...document.querySelectorAll("a.thumb")];
  let current = -1;

  const sourceOf = (thumb) => {
    const view = document.getElementById("view-" + thumb.dataset.number);
    return view ? "data:image/jpeg;base64," + view.textContent : thumb.getAttribute("href");
  };
  const show = (index) => {
    current = (index + thumbs.length) % thumbs.length;
    const thumb = thumbs[current];
    const caption = thumb.closest("figure").querySelector("figcaption");
    stage.classList.remove("enlarged");
    picture.src = sourceOf(thumb);
    picture.alt = thumb.querySelector("img").alt;
    document.getElementById("lightbox-title").textContent = caption.querySelector(".image").textContent;
    const details = box.querySelector(".details");
    details.replaceChildren(
      ...[...caption.children].slice(1).map((item) => item.cloneNode(true))
    );
    const legend = document.getElementById(thumb.closest(".gallery").dataset.legend);
    if (legend) {
      const copy = legend.cloneNode(true);
      copy.removeAttribute("id");
      details.append(copy);
    }
  };
  thumbs.forEach((thumb, index) => {
    thumb.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(index);
      box.showModal();
    });
  });
  const enlarge = () => stage.classList.toggle("enlarged");
  stage.addEventListener("click", enlarge);
  document.getElementById("lightbox-close").addEventListener("click", () => box.close());
  document.getElementById("lightbox-previous").addEventListener("click", () => show(current - 1));
  document.getElementById("lightbox-next").addEventListener("click", () => show(current + 1));
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(current - 1);
    else if (event.key === "ArrowRight") show(current + 1);
    else if (event.key === "Enter" && event.target === stage) enlarge();
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  box.addEventListener("close", () => {
    picture.removeAttribute("src");
    if (thumbs[current]) thumbs[current].focus();
  });

  // ---- paper shows everything ----
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const item of closed) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of closed) item.open = false;
  });
})();
