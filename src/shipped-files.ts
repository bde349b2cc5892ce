import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file that ships beside the code. `src/` and `dist/` are both one folder below the package. */
const shipped = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const protoFile = shipped('proto/greet.proto');
/** All of `proto/`, compiled: `npm run proto`. */
export const descriptorsFile = shipped('proto/descriptors.binpb');
export const openApiFiles = { json: shipped('openapi/openapi.json'), yaml: shipped('openapi/openapi.yaml') };
export const docsPageFiles = {
  html: shipped('openapi/swagger-ui/index.html'),
  css: shipped('openapi/swagger-ui/page.css'),
  script: shipped('openapi/swagger-ui/page.js'),
};

/** The package's version. */
export const { version } = JSON.parse(readFileSync(shipped('package.json'), 'utf8')) as {
  readonly version: string;
};
