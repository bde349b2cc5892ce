/*
 * The response bodies of the service. A type test compares them with the schemas of the service. This file has no imports, so that a
 * browser can load the client without the service's code.
 */

export interface Greeting {
  /** `Hello, <name>` */
  message: string;
}

export interface Readiness {
  status: 'starting' | 'ready' | 'draining';
}

/** Problem details, RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  requestId: string;
  /** For a bad name: everything that is wrong with it. */
  errors?: Violation[] | undefined;
}

export interface Violation {
  field: string;
  detail: string;
}
