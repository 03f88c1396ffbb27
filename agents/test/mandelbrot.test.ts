import { expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';
import { decodePng, type Image } from './png.ts';

async function draw(args: readonly string[], stdin = ''): Promise<Image> {
  const run = await runAgent('mandelbrot', args, stdin);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return decodePng(run.stdout);
}

interface View {
  readonly center: readonly [number, number];
  readonly zoom: number;
  readonly size: readonly [number, number];
  readonly iterations: number;
  readonly julia?: readonly [number, number];
}

/** Escape times by the definition, one pixel after the other. */
function escapeTimes(view: View): number[] {
  const [width, height] = view.size;
  const step = 3.5 / (view.zoom * width);
  const times: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let re = view.center[0] + (x - (width - 1) / 2) * step;
      let im = view.center[1] - (y - (height - 1) / 2) * step;
      const [cr, ci] = view.julia ?? [re, im];
      let n = 0;
      while (n < view.iterations && re * re + im * im <= 4) {
        [re, im] = [re * re - im * im + cr, 2 * re * im + ci];
        n++;
      }
      times.push(n);
    }
  }
  return times;
}

/** Checks that the image is black where points stay, and one colour for one escape time. */
function expectDrawn(image: Image, view: View): void {
  const colours = new Map<number, number>();
  for (const [i, time] of escapeTimes(view).entries()) {
    const colour = image.rgba.readUInt32BE(4 * i);
    if (time === view.iterations) expect(colour).toBe(0x000000ff);
    else expect(colour).toBe(colours.get(time) ?? colour);
    colours.set(time, colour);
  }
  expect(new Set(colours.values()).size).toBeGreaterThan(10);
}

test('every pixel has the colour of its escape time', async () => {
  const whole: View = { center: [-0.75, 0], zoom: 1, size: [161, 121], iterations: 300 };
  expectDrawn(await draw(['size=161x121', 'iterations=300']), whole);
  expectDrawn(
    await draw(['center=-0.743643887,0.131825904', 'zoom=4000', 'size=90x70', 'iterations=900']),
    { center: [-0.743643887, 0.131825904], zoom: 4000, size: [90, 70], iterations: 900 },
  );
});

test('a Julia set is drawn around the origin', async () => {
  expectDrawn(await draw(['julia=-0.8,0.156', 'size=120x90', 'iterations=200']), {
    center: [0, 0],
    zoom: 1,
    size: [120, 90],
    iterations: 200,
    julia: [-0.8, 0.156],
  });
});

test('the words may come on stdin, and one pixel is an image too', async () => {
  expect((await draw([], ' size=7x5\n iterations=50 ')).rgba).toEqual(
    (await draw(['size=7x5', 'iterations=50'])).rgba,
  );
  expect(await draw([])).toMatchObject({ width: 800, height: 600 });
  expect((await draw(['size=1x1'])).rgba.toString('hex')).toBe('000000ff');
});

test('words that make no view are refused, not guessed at', async () => {
  const wrong = ['x', 'size=0x5', 'size=5000x1', 'size=5', 'zoom=0', 'zoom=-1', 'zoom=nan'];
  wrong.push('iterations=1.5', 'iterations=100001', 'center=1', 'center=1,0x10', 'zoom=1e999');
  for (const word of wrong) {
    const run = await runAgent('mandelbrot', [word]);
    expect(run.code, word).toBe(2);
    expect(run.stdout).toHaveLength(0);
    expect(run.stderr).toContain('usage: mandelbrot');
  }
});
