/** Thrown by a host function to end the run with a status. No code of a guest can catch it. */
export class GuestEnd {
  readonly status: string;

  constructor(status: string) {
    this.status = status;
  }
}
