/** The vector suite as a worker: the files come with the request, the report goes back. */
import { runVectorSuite } from '../vectors/suite.ts';

interface Order {
  files: Record<string, string>;
  forgeries: number;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { files, forgeries }: Order = await request.json();
    const read = (name: string) => {
      const text = files[name];
      return text === undefined ? Promise.reject(new Error(name)) : Promise.resolve(text);
    };
    return Response.json(await runVectorSuite(read, { forgeries }));
  },
};
