interface ServiceManifest {
  readonly version: string;
  readonly license: string;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The package.json of `@greet/client`, of the same version as the service. */
export function createManifest({ version, license, engines, dependencies }: ServiceManifest) {
  const peers = ['@grpc/grpc-js', 'protobufjs'];
  return {
    name: '@greet/client',
    version,
    description: 'The clients of the greet service, over HTTP and over gRPC.',
    license,
    engines,
    type: 'module',
    sideEffects: false,
    // For tools that do not read `exports`.
    main: './cjs/index.js',
    module: './esm/index.js',
    types: './cjs/index.d.ts',
    exports: {
      '.': {
        browser: { import: esm('index', 'browser'), require: cjs('index') },
        // Node loads the same code for both, so that `instanceof GreetError` is true across them.
        node: { import: esm('index', 'index.node'), require: cjs('index') },
        import: esm('index'),
        default: cjs('index'),
      },
      './grpc': { browser: null, import: esm('grpc'), default: cjs('grpc') },
      './openapi.json': './openapi/openapi.json',
      './openapi.yaml': './openapi/openapi.yaml',
      './greet.proto': './proto/greet.proto',
      './package.json': './package.json',
    },
    peerDependencies: Object.fromEntries(peers.map((name) => [name, `^${dependencies[name]}`])),
    peerDependenciesMeta: Object.fromEntries(peers.map((name) => [name, { optional: true }])),
  };
}

function esm(types: string, code = types) {
  return { types: `./esm/${types}.d.ts`, default: `./esm/${code}.js` };
}

function cjs(name: string) {
  return { types: `./cjs/${name}.d.ts`, default: `./cjs/${name}.js` };
}
