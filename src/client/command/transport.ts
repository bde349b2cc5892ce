/** The functions that the command needs, over HTTP or gRPC. */
export interface Transport {
  greet(name: string): Promise<{ message: string }>;
  /** `status` is the word that the service uses. */
  health(): Promise<{ ready: boolean; status: string }>;
  close(): void;
  readonly attempt: Attempt;
}

/** How a call was made, for the search for the cause of its failure. */
export interface Attempt {
  readonly protocol: 'HTTP' | 'gRPC';
  /** The first endpoint; undefined if there is none to probe, as for a Unix socket. */
  readonly endpoint: { readonly host: string; readonly port: number } | undefined;
  readonly isOverTls: boolean;
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Adds headers, or metadata, to a call. */
export type Inject = (carrier: Record<string, string>) => void;
