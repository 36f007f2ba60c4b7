/**
 * Recipes: files that say how a model is made from data to judgement, and runs of them. A recipe's <em>sections</em> are
 * commands of {@code aim}; their <em>settings</em> are options of these, by long names.
 */
package org.aimjvm.cli.recipe;
