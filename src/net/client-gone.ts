/** The client closed its connection before its response was sent. Emitted on responses for which Node reports nothing. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  readonly code = 'ECONNRESET';
}

export const clientGone = new ClientGone('The client closed its connection.');
