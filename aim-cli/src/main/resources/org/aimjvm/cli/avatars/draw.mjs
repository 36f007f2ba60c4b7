// Draws cartoon portraits: reads one request a line from standard input, "STYLE SEED", and writes SIZE x SIZE RGBA pixels a request
// to standard output. The size is the only argument. A seed and a style give the same pixels wherever this runs.
import { createInterface } from 'node:readline';
import { createAvatar } from '@dicebear/core';
import { Resvg } from '@resvg/resvg-js';

const size = Number(process.argv[2]);
const backgrounds = ['b6e3f4', 'c0aede', 'd1d4f9', 'ffd5dc', 'ffdfbf'];
const styles = new Map();

async function style(name) {
  if (!styles.has(name)) styles.set(name, await import('@dicebear/' + name));
  return styles.get(name);
}

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ');
  const avatar = createAvatar(await style(line.slice(0, space)), { seed: line.slice(space + 1), size, backgroundColor: backgrounds });
  const picture = new Resvg(avatar.toString(), { background: 'white', fitTo: { mode: 'width', value: size } }).render();
  if (picture.width !== size || picture.height !== size) {
    throw new Error(line + ': drawn in ' + picture.width + ' x ' + picture.height + ' pixels, expected sides of ' + size);
  }
  // waits when the reader is slow, so memory stays bounded
  if (!process.stdout.write(picture.pixels)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
