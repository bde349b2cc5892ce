/**
 * Draws the time series of the Grafana dashboard as one SVG, from a running Prometheus, for a page or a report:
 *
 *     npx tsx deploy/plot.ts http://localhost:9090 120 > watching.svg     (the last 120 seconds)
 */
import { readFile } from 'node:fs/promises';

interface Series {
  readonly name: string;
  readonly points: readonly (readonly [time: number, value: number])[];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly y: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const [prometheus = 'http://localhost:9090', seconds = '300'] = process.argv.slice(2);
const size = { width: 320, height: 150, left: 46, top: 26, bottom: 46, columns: 3 };
const colours = ['#3274d9', '#299c46', '#e0752d', '#a352cc', '#c4162a', '#8f8f8f'];

async function query(expr: string, legend: string): Promise<Series[]> {
  const end = Date.now() / 1000;
  const range = {
    start: String(end - Number(seconds)),
    end: String(end),
    step: String(Math.max(1, Number(seconds) / 120)),
  };
  const parameters = new URLSearchParams({ query: expr.replaceAll('$__rate_interval', '15s'), ...range });
  const response = await fetch(`${prometheus}/api/v1/query_range?${parameters}`);
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return data.result.map(({ metric, values }) => ({
    name: legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
    points: values
      .map(([time, value]) => [time, Number(value)] as const)
      .filter(([, value]) => Number.isFinite(value)),
  }));
}

function format(value: number, unit: string): string {
  if (unit === 's') return value < 1 ? `${+(value * 1000).toPrecision(2)} ms` : `${+value.toPrecision(2)} s`;
  if (unit === 'bytes') return `${Math.round(value / 2 ** 20)} MiB`;
  if (unit === 'percentunit') return `${+(value * 100).toPrecision(2)} %`;
  return `${+value.toPrecision(2)}${unit === 'reqps' ? '/s' : ''}`;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}

function draw({ title, fieldConfig }: Panel, all: readonly Series[], x: number, y: number): string {
  const series = all.filter(({ points }) => points.some(([, value]) => value > 0)).slice(0, 4);
  const times = series.flatMap(({ points }) => points.map(([time]) => time));
  const from = Math.min(...times);
  const span = Math.max(...times) - from || 1;
  const top = Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9);
  const plot = { width: size.width - size.left - 10, height: size.height - size.top - size.bottom };
  const lines = series.map(({ points }, index) => {
    const at = points.map(([time, value]) => {
      const left = size.left + ((time - from) / span) * plot.width;
      return `${left.toFixed(1)},${(size.top + (1 - value / top) * plot.height).toFixed(1)}`;
    });
    return `<polyline points="${at.join(' ')}" fill="none" stroke="${colours[index]}" stroke-width="1.5"/>`;
  });
  const legend = series.map(({ name }, index) => {
    const left = size.left + (index % 2) * 136;
    const below = size.height - 28 + Math.floor(index / 2) * 14;
    return `<text x="${left}" y="${below}" fill="${colours[index]}">${escapeXml(name.slice(0, 25))}</text>`;
  });
  const unit = fieldConfig?.defaults.unit ?? '';
  return `<g transform="translate(${x},${y})">
<text x="${size.left}" y="14" font-weight="bold" fill="#333">${escapeXml(title)}</text>
<path d="M${size.left},${size.top}v${plot.height}h${plot.width}" fill="none" stroke="#bbb"/>
<text x="${size.left - 4}" y="${size.top + 8}" text-anchor="end" fill="#777">${series.length ? format(top, unit) : '0'}</text>
<text x="${size.left - 4}" y="${size.top + plot.height}" text-anchor="end" fill="#777">0</text>
${[...lines, ...legend].join('\n')}
</g>`;
}

const dashboard = JSON.parse(
  await readFile(new URL('grafana/dashboards/greet.json', import.meta.url), 'utf8'),
);
const rows = (dashboard.panels as Panel[]).filter(({ type }) => type === 'row');
const panels = (dashboard.panels as Panel[]).filter(
  ({ type, title }) => type === 'timeseries' && title !== 'Server errors',
);
const measured = await Promise.all(
  panels.map(async (panel) => {
    const row = rows.findLast(({ gridPos }) => gridPos.y <= panel.gridPos.y)?.title;
    const series = await Promise.all(
      (panel.targets ?? []).map(({ expr, legendFormat }) => query(expr, legendFormat)),
    );
    return { panel: { ...panel, title: `${row}: ${panel.title}` }, series: series.flat() };
  }),
);
const shown = measured.filter(({ series }) =>
  series.some(({ points }) => points.some(([, value]) => value > 0)),
);
const drawn = shown.map(({ panel, series }, index) =>
  draw(panel, series, (index % size.columns) * size.width, Math.floor(index / size.columns) * size.height),
);
const height = Math.ceil(shown.length / size.columns) * size.height;
const width = size.columns * size.width;
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10">
<title>The dashboard of greet over ${seconds} seconds</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${drawn.join('\n')}
</svg>
`);
