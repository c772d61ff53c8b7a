
// Where a place of this bundle came from, by its source map. Nothing of it is read before an error asks.
(function (sources, mappings) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  /** The numbers of a segment: column here, then steps of source, line and column there, each in digits of five bits. */
  function numbers(segment) {
    const found = [];
    let [value, shift] = [0, 0];
    for (const letter of segment) {
      const digit = digits.indexOf(letter);
      value += (digit & 31) << shift;
      shift += 5;
      if (digit & 32) continue;
      found.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
    return found;
  }
  globalThis.playhouseSource = (row, column) => {
    let [source, line, found] = [0, 0, undefined];
    const rows = mappings.split(";").slice(0, row);
    for (const [index, segments] of rows.entries()) {
      let here = 0;
      for (const segment of segments.split(",")) {
        const [step = 0, ofSource = 0, ofLine = 0] = numbers(segment);
        here += step;
        source += ofSource;
        line += ofLine;
        if (index === row - 1 && here < column) found = [sources[source], line + 1];
      }
    }
    return found;
  };
})
