/**
 * Downloads that go on where they stopped and are checked before they are used.
 *
 * <p>For commands that fetch data sets; nothing is fetched unasked.
 *
 * <p>Start at {@link org.aimjvm.cli.fetch.Download}.
 */
package org.aimjvm.cli.fetch;
