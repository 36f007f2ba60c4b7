/**
 * Small complete programs, each to be read from top to bottom and copied from; {@code docs/start-here.md} says which is
 * for what. Each has a {@code main} for users and a {@code run} that the tests call with tiny settings.
 */
package org.aimjvm.examples;
