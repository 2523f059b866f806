# Fills template.html with what the table says. First file: the table, already escaped. Second: the template.
BEGIN { FS = "\t" }

FILENAME == "template.html" && !days {
  print "The file is no table of aggregate-traffic: it has no row for a day." > "/dev/stderr"
  exit 1
}
FILENAME == "template.html" { fill($0); next }

FNR == 1 { next } # the header

$1 == "*" { hits = $4; bytes = $5; visitors = $6; next }

$2 == "*" {
  day[++days] = $1
  day_hits[$1] = $4; day_bytes[$1] = $5; day_visitors[$1] = $6
  if ($4 > busiest) busiest = $4
  next
}

{
  class_hits[$3] += $4
  day_class[$1, $3] += $4
  path_hits[$2] += $4
  path_class[$2, $3] += $4
  path_bytes[$2] += $5
  if ($3 >= "4xx") { errors += $4; path_errors[$2] += $4 }
}

# A line of the template: a comment such as <!-- days --> gives its place to the section of that name.
function fill(line,   start, end, name) {
  start = index(line, "<!-- ")
  end = index(line, " -->")
  if (!start || !end) { print line; return }
  name = substr(line, start + 5, end - start - 5)
  printf "%s", substr(line, 1, start - 1)
  if (name == "title") printf "%s", ENVIRON["TITLE"]
  else if (name == "period") printf "%s", (days == 1 ? day[1] : day[1] " to " day[days])
  else if (name == "tiles") tiles()
  else if (name == "days") day_rows()
  else if (name == "classes") class_rows()
  else if (name == "paths") path_rows(path_hits, 15, 1)
  else if (name == "errors") path_rows(path_errors, 10, 4)
  print substr(line, end + 4)
}

function tiles() {
  tile(grouped(hits), "requests")
  tile(grouped(visitors), "visitors")
  tile(size(bytes), "sent")
  tile(percent(errors, hits), "with an error")
}

function tile(value, text) {
  printf "<li><strong>%s</strong> %s</li>\n", value, text
}

function day_rows(   i, class) {
  for (i = 1; i <= days; i++) {
    printf "<tr><th scope=\"row\">%s</th><td class=\"bars\">", day[i]
    for (class = 1; class <= 5; class++) bar(day_class[day[i], class "xx"] + 0, busiest, class)
    printf "</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", \
      grouped(day_hits[day[i]]), grouped(day_visitors[day[i]]), size(day_bytes[day[i]])
  }
}

function class_rows(   class, count) {
  for (class = 1; class <= 5; class++) {
    count = class_hits[class "xx"]
    if (!count) continue
    printf "<tr><th scope=\"row\">%dxx</th><td class=\"bars\">", class
    bar(count, hits, class)
    printf "</td><td>%s</td><td>%s</td></tr>\n", grouped(count), percent(count, hits)
  }
}

# The `limit` paths with the largest counts, largest first, equal counts by name; bars for `first_class` and up.
function path_rows(counts, limit, first_class,   shown, path, top, most, rank, class) {
  for (rank = 1; rank <= limit; rank++) {
    top = ""
    for (path in counts)
      if (!(path in shown) && (top == "" || counts[path] > counts[top] || (counts[path] == counts[top] && path < top)))
        top = path
    if (top == "") return
    if (rank == 1) most = counts[top]
    shown[top] = 1
    printf "<tr><th scope=\"row\">%s</th><td class=\"bars\">", top
    for (class = first_class; class <= 5; class++) bar(path_class[top, class "xx"] + 0, most, class)
    printf "</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", \
      grouped(path_hits[top]), grouped(path_errors[top] + 0), size(path_bytes[top])
  }
}

# One piece of a bar. Callers add 0 where an element may be missing: gawk 5.2.1 crashes on one first named in a call.
function bar(count, whole, class) {
  if (count) printf "<i class=\"c%d\" style=\"width:%.2f%%\"></i>", class, 100 * count / whole
}

function percent(count, whole) { return sprintf("%.1f %%", 100 * count / whole) }

function size(count) {
  if (count < 1000) return count " B"
  if (count < 1000000) return sprintf("%.1f kB", count / 1000)
  if (count < 1000000000) return sprintf("%.1f MB", count / 1000000)
  return sprintf("%.1f GB", count / 1000000000)
}

# 1234567 -> 1,234,567
function grouped(count,   text) {
  text = sprintf("%.0f", count)
  while (match(text, /[0-9][0-9][0-9][0-9](,|$)/)) text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
  return text
}
