"use strict";

/* The axes of a chart: limits and ticks, by the same rules as in the still figures. Numbers in, numbers out. */

const LOG_FROM = 5;

const finite = (values) => values.filter((value) => value !== null);

/* One bad epoch flattens the others where the largest value is more than LOG_FROM times the median. */
function flattened(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted.length > 0 && sorted.at(-1) > (LOG_FROM * (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)])) / 2;
}

function logarithmic(panel, values) {
  if (panel.fractions || !values.length || Math.min(...values) <= 0) return false;
  return [values, ...panel.series.slice(1).map((curve) => finite(curve.values))].some(flattened);
}

/* The same limits as in the still figures. Fractions: 0.5, or lower where needed, to 1. Losses: from 0 unless they are
   far from it, and never less than a quarter of the largest value, so that noise does not look like movement. */
function limits(panel, values) {
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (panel.fractions) return [Math.min(0.5, Math.floor(10 * low) / 10), 1];
  if (high <= 0) return [low - 0.05 * Math.abs(low) - 0.01, high + 0.01];
  const bottom = low >= 0 && low < high / 2 ? 0 : Math.min(low - 0.08 * (high - low), 0.75 * high);
  return [bottom, high + 0.06 * (high - bottom)];
}

function linearTicks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((multiple) => multiple * power >= rough * 0.999);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick <= high / step + 1e-9; tick += 1) {
    ticks.push({ value: tick * step, text: (tick * step).toFixed(decimals) });
  }
  return ticks;
}

function logTicks(low, high) {
  const ticks = [];
  const decades = Math.log10(high / low);
  const every = Math.ceil(decades / 8);
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += every) {
    for (const multiple of decades < 2.5 ? [1, 2, 5] : [1]) {
      const value = multiple * 10 ** power;
      if (value >= low && value <= high) ticks.push({ value, text: String(Number(value.toPrecision(6))) });
    }
  }
  return ticks;
}

/* Where a value stands between the bottom, 0, and the top, 1, of a panel; and its ticks. */
function scaleOf(panel) {
  const values = panel.series.flatMap((curve) => finite(curve.values));
  if (logarithmic(panel, values)) {
    const margin = (Math.max(...values) / Math.min(...values)) ** 0.06;
    const [low, high] = [Math.min(...values) / margin, Math.max(...values) * margin];
    return { log: true, ticks: logTicks(low, high), share: (value) => Math.log(value / low) / Math.log(high / low) };
  }
  const [low, high] = limits(panel, values);
  return { log: false, ticks: linearTicks(low, high), share: (value) => (value - low) / (high - low) };
}

function epochTicks(epochs, width) {
  const room = Math.max(1, Math.floor(width / 34));
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => epochs.length / step <= room) || 1000;
  return epochs.filter((epoch, index) => every === 1 || epoch % every === 0 || (index === 0 && every < 5));
}
