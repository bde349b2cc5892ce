/** What the command needs of a client. */
export interface Transport {
  greet(name: string): Promise<{ message: string }>;
  /** Whether the service is ready, and its own word for that. */
  health(): Promise<{ ready: boolean; status: string }>;
  close(): void;
  readonly attempt: Attempt;
}

/** Where calls go and how, to find out why they fail. */
export interface Attempt {
  readonly protocol: 'HTTP' | 'gRPC';
  /** The first endpoint; undefined where there is none to look at, such as for a Unix socket. */
  readonly endpoint: { readonly host: string; readonly port: number } | undefined;
  readonly isOverTls: boolean;
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Adds headers, or metadata, to a call. */
export type Inject = (carrier: Record<string, string>) => void;
