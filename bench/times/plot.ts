import type { Result } from './compare.ts';

const rowHeight = 22;
const left = 230;
const width = 860;

const toXml = (text: string) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Draws the CPU time of a greeting as bars, as multiples of the baseline, with the quartiles of each; returns an SVG document. */
export function draw(http: readonly Result[], grpc: readonly Result[], machine: string): string {
  const longest = Math.max(...[...http, ...grpc].flatMap(({ ratio, spread }) => [ratio, spread[1]]));
  const place = (value: number) => left + (value / longest) * (width - left - 60);
  let y = 30;
  const text = (x: number, content: string, extra = '') =>
    `<text x="${x}" y="${y + 15}"${extra}>${toXml(content)}</text>`;
  const rows = (title: string, results: readonly Result[]) => {
    const heading = text(10, title, ' font-weight="bold"');
    y += rowHeight;
    const bars = results.map(({ name, ratio, spread }) => {
      const fill = name.startsWith('greet') ? '#2b6cb0' : '#a0aec0';
      const bar =
        text(left - 8, name, ' text-anchor="end"') +
        `<rect x="${left}" y="${y + 3}" width="${place(ratio) - left}" height="${rowHeight - 7}" fill="${fill}"/>` +
        `<path d="M${place(spread[0])} ${y + 10.5}H${place(spread[1])}" stroke="#1a202c" stroke-width="2"/>` +
        text(Math.max(place(ratio), place(spread[1])) + 6, ratio.toFixed(2));
      y += rowHeight;
      return bar;
    });
    y += 8;
    return [heading, ...bars];
  };
  const body = [
    ...rows('HTTP: CPU a greeting, bare node:http = 1', http),
    ...rows('gRPC: CPU a greeting, bare node:http2 = 1', grpc),
    text(10, machine, ' fill="#4a5568"'),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 30}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${y + 30}" fill="#fff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}
