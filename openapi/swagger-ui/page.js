const { SwaggerUIBundle } = globalThis;

/** Sends whatever was entered, nothing included: the service is to show what it answers to bad input. */
const letTheServiceJudge = {
  statePlugins: {
    spec: {
      wrapActions: {
        validateParams: () => () => {},
        executeRequest: (execute) => (request) =>
          execute({ ...request, spec: withoutRequired(request.spec) }),
      },
      wrapSelectors: { validateBeforeExecute: () => () => true },
    },
  },
};

/** A copy of the document. Swagger UI would not call an operation without a parameter that it requires. */
function withoutRequired(spec) {
  return JSON.parse(
    JSON.stringify(spec, (key, value) => (key === 'required' && value === true ? false : value)),
  );
}

/** Chooses the media type that the page shows for each operation. Swagger UI sends `*`/`*` until somebody changes it. */
function chooseMediaTypes({ specSelectors, oas3Actions }) {
  for (const [path, operations] of Object.entries(specSelectors.specJson().toJS().paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      const types = Object.keys(responses[200]?.content ?? {});
      const value = types.includes('application/json') ? 'application/json' : types[0];
      if (value) oas3Actions.setResponseContentType({ value, path, method });
    }
  }
}

const ui = SwaggerUIBundle({
  url: new URL('../openapi.json', location.href).href,
  dom_id: '#page',
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [letTheServiceJudge],
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  onComplete: () => chooseMediaTypes(ui),
});
