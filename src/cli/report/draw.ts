/*
 * The one place that knows the chart library: what the charts are made of, and how a drawing
 * becomes SVG text without a browser.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { CHART_STYLE } from "./report-style.js";

/** The library's marks and axes, for the files that compose charts. */
export {
  areaY,
  axisX,
  axisY,
  dot,
  gridX,
  gridY,
  line,
  link,
  rect,
  ruleX,
  ruleY,
  text,
} from "@observablehq/plot";

/** One entry of a legend. */
interface LegendEntry {
  readonly label: string;
  /** Number of the series' colour and dash pattern. */
  readonly style: number;
  /** Whether the series is drawn as dots, not as a line. */
  readonly isDot?: boolean;
  /** Its dash pattern, where that is not the one of `style`. */
  readonly dash?: string;
}

/** What every chart says of itself besides its marks. */
interface DrawingOptions {
  /** What is to be seen, for those who cannot see it. */
  readonly description: string;
  readonly legend: readonly LegendEntry[];
  /** Everything else goes to the library as it is. */
  readonly plot: Plot.PlotOptions;
}

/** Width of every chart, in pixels at its natural size. */
export const CHART_WIDTH = 880;

const FONT_PX = 12;
const LEGEND_LINE_PX = 20;
const LEGEND_SAMPLE_PX = 26;
const LEGEND_GAP_PX = 22;
/** Width of an average letter: there is nothing here to measure text with. */
const LETTER_PX = 6.4;

/** Series beyond this many repeat styles; the stylesheet has as many colours. */
const SERIES_STYLE_COUNT = 8;

/** Dash patterns tell series apart where colours don't: in print, and for many eyes. */
const DASHES = ["none", "7 3", "2 3", "10 3 2 3", "none", "7 3", "2 3", "10 3 2 3"] as const;

/** The colour of series `index`, as the stylesheet defines it for light and dark. */
export function seriesColor(index: number): string {
  return `var(--series-${index % SERIES_STYLE_COUNT})`;
}

/** Its dash pattern. */
export function seriesDash(index: number): string {
  return DASHES[index % DASHES.length] ?? "none";
}

/** The part of the DOM that drawing needs; the library's types know the browser's only. */
interface Node {
  setAttribute(name: string, value: string): void;
  append(...nodes: Node[]): void;
  prepend(...nodes: Node[]): void;
  textContent: string;
  readonly outerHTML: string;
}

interface NodeMaker {
  createElementNS(namespace: string, name: string): Node;
}

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const EMPTY_PAGE = "<!doctype html><html><body></body></html>";

/** Draws a chart as SVG text that stands alone: in a page, or as a file of its own. */
export function draw({ description, legend, plot }: DrawingOptions): string {
  const { document } = parseHTML(EMPTY_PAGE) as unknown as { readonly document: NodeMaker };
  const legendHeight = placeLegend(legend).height;
  const marginTop = (plot.marginTop ?? 24) + legendHeight;
  const root = Plot.plot({
    width: CHART_WIDTH,
    ...plot,
    marginTop,
    height: (plot.height ?? 300) + legendHeight,
    document,
  }) as unknown as Node;
  const create = (name: string): Node => document.createElementNS(SVG_NAMESPACE, name);
  root.setAttribute("xmlns", SVG_NAMESPACE);
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", description);
  root.setAttribute("font-size", FONT_PX.toString());
  const style = create("style");
  style.textContent = CHART_STYLE;
  root.prepend(style);
  root.append(...placeLegend(legend).places.map((place) => legendMark(create, place)));
  return root.outerHTML;
}

interface LegendPlace {
  readonly entry: LegendEntry;
  readonly x: number;
  readonly y: number;
}

/** Entries side by side, broken into lines where they do not fit. */
function placeLegend(legend: readonly LegendEntry[]) {
  const places: LegendPlace[] = [];
  let [x, y] = [2, 14];
  for (const entry of legend) {
    const width = LEGEND_SAMPLE_PX + 6 + entry.label.length * LETTER_PX + LEGEND_GAP_PX;
    if (x > 2 && x + width > CHART_WIDTH) [x, y] = [2, y + LEGEND_LINE_PX];
    places.push({ entry, x, y });
    x += width;
  }
  return { places, height: legend.length === 0 ? 0 : y + 6 };
}

function legendMark(create: (name: string) => Node, { entry, x, y }: LegendPlace): Node {
  const [sampleY, color] = [y - 4, seriesColor(entry.style)];
  const isDot = entry.isDot === true;
  const [group, label] = [create("g"), create("text")];
  const sample = create(isDot ? "circle" : "line");
  const attributes = isDot
    ? { cx: x + LEGEND_SAMPLE_PX / 2, cy: sampleY, r: 5.5, fill: color }
    : {
        ...{ x1: x, x2: x + LEGEND_SAMPLE_PX, y1: sampleY, y2: sampleY, stroke: color },
        ...{ "stroke-width": 2.5, "stroke-dasharray": entry.dash ?? seriesDash(entry.style) },
      };
  for (const [name, value] of Object.entries(attributes)) sample.setAttribute(name, String(value));
  label.setAttribute("x", (x + LEGEND_SAMPLE_PX + 6).toString());
  label.setAttribute("y", y.toString());
  label.setAttribute("text-anchor", "start");
  label.textContent = entry.label;
  group.append(sample, label);
  return group;
}
